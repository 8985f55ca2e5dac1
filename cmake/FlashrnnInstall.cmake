# SPDX-License-Identifier: Apache-2.0
# flashrnn_install(<target>): the library, its headers, the CMake package, the pkg-config file and the licence.
#
# A shared libflashrnn needs nothing from its consumers: Kokkos, hwloc and Highway are its own affair. A static one
# passes them on, and the package then finds them.
include_guard(DIRECTORY)
include(CMakePackageConfigHelpers)

function(flashrnn_install target)
  if(NOT FLASHRNN_INSTALL)
    return()
  endif()
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "STATIC_LIBRARY" AND FLASHRNN_KOKKOS_ORIGIN STREQUAL "a download")
    message(WARNING "A static libflashrnn with a downloaded Kokkos cannot be installed: its consumers would not find "
      "Kokkos. Build it shared, or against an installed Kokkos.")
    return()
  endif()

  if(type STREQUAL "STATIC_LIBRARY")
    # Nothing of these is left to link: they are headers only.
    get_target_property(links ${target} INTERFACE_LINK_LIBRARIES)
    list(FILTER links EXCLUDE REGEX "fmt::|nlohmann_json::")
    set_property(TARGET ${target} PROPERTY INTERFACE_LINK_LIBRARIES "${links}")
  endif()

  install(TARGETS ${target} EXPORT flashrnnTargets
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/flashrnn" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
  install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

  set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/flashrnn")
  set(generated "${PROJECT_BINARY_DIR}/package")
  install(EXPORT flashrnnTargets NAMESPACE flashrnn:: DESTINATION "${package_dir}")

  set(FLASHRNN_IS_STATIC OFF)
  if(type STREQUAL "STATIC_LIBRARY")
    set(FLASHRNN_IS_STATIC ON)
  endif()
  configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/flashrnnConfig.cmake.in"
    "${generated}/flashrnnConfig.cmake" INSTALL_DESTINATION "${package_dir}")
  # Before 1.0 a minor version may change the ABI.
  write_basic_package_version_file("${generated}/flashrnnConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
  install(FILES "${generated}/flashrnnConfig.cmake" "${generated}/flashrnnConfigVersion.cmake"
    DESTINATION "${package_dir}")

  if(NOT FLASHRNN_IS_STATIC)
    # Relative to the file itself, so that the installed tree can be moved.
    set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
    file(RELATIVE_PATH FLASHRNN_PC_PREFIX "/prefix/${pc_dir}" "/prefix")
    cmake_path(APPEND pc_libdir "\${prefix}" "${CMAKE_INSTALL_LIBDIR}")
    cmake_path(APPEND pc_includedir "\${prefix}" "${CMAKE_INSTALL_INCLUDEDIR}")
    configure_file("${PROJECT_SOURCE_DIR}/cmake/flashrnn.pc.in" "${generated}/flashrnn.pc" @ONLY)
    install(FILES "${generated}/flashrnn.pc" DESTINATION "${pc_dir}")
  endif()
endfunction()
