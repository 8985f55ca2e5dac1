// SPDX-License-Identifier: Apache-2.0
//! Finds the shared library and tells cargo to link it. In this order: the folder FLASHRNN_LIB_DIR, the prefix
//! FLASHRNN_DIR, pkg-config. Dependents see the folder as DEP_FLASHRNN_LIB_DIR.
use std::env;
use std::path::{Path, PathBuf};
use std::process::{exit, Command};

const NAMES: [&str; 3] = ["libflashrnn.so", "libflashrnn.dylib", "flashrnn.lib"];

fn main() {
    for name in ["FLASHRNN_LIB_DIR", "FLASHRNN_DIR", "PKG_CONFIG", "PKG_CONFIG_PATH", "DOCS_RS"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("DOCS_RS").is_some() {
        return; // declarations can be documented without the library
    }
    match find() {
        Ok(folder) => link(&folder),
        Err(reason) => {
            eprintln!("\nflashrnn-sys cannot find the FlashRNN library: {reason}\n");
            eprintln!("Any one of these tells it where the library is:");
            eprintln!("  FLASHRNN_LIB_DIR=<folder with {}>", NAMES[0]);
            eprintln!("  FLASHRNN_DIR=<prefix that `cmake --install` was given>");
            eprintln!("  PKG_CONFIG_PATH=<folder with flashrnn.pc>, with the command pkg-config installed\n");
            exit(1);
        }
    }
}

fn library_in(folder: &Path) -> Option<PathBuf> {
    NAMES.iter().map(|name| folder.join(name)).find(|file| file.is_file())
}

fn find() -> Result<PathBuf, String> {
    if let Some(folder) = env::var_os("FLASHRNN_LIB_DIR") {
        let folder = PathBuf::from(folder);
        return match library_in(&folder) {
            Some(_) => Ok(folder),
            None => Err(format!("FLASHRNN_LIB_DIR is {}, which has none of {NAMES:?}", folder.display())),
        };
    }
    if let Some(prefix) = env::var_os("FLASHRNN_DIR") {
        let prefix = PathBuf::from(prefix);
        return in_prefix(&prefix).ok_or_else(|| {
            format!("FLASHRNN_DIR is {}, and no lib folder in it has any of {NAMES:?}", prefix.display())
        });
    }
    from_pkg_config()
}

/// lib, lib64, and Debian's lib/<architecture>-linux-gnu.
fn in_prefix(prefix: &Path) -> Option<PathBuf> {
    let mut folders = vec![prefix.join("lib"), prefix.join("lib64")];
    if let Ok(entries) = std::fs::read_dir(prefix.join("lib")) {
        folders.extend(entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()));
    }
    folders.into_iter().find(|folder| library_in(folder).is_some())
}

fn from_pkg_config() -> Result<PathBuf, String> {
    let command = env::var_os("PKG_CONFIG").unwrap_or_else(|| "pkg-config".into());
    let run = |arguments: &[&str]| -> Result<String, String> {
        let output = Command::new(&command).args(arguments).output().map_err(|error| {
            format!(
                "neither FLASHRNN_LIB_DIR nor FLASHRNN_DIR is set, and {} does not run: {error}",
                Path::new(&command).display()
            )
        })?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
        } else {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_string();
            Err(format!("neither FLASHRNN_LIB_DIR nor FLASHRNN_DIR is set, and pkg-config says:\n{said}"))
        }
    };
    let version = env!("CARGO_PKG_VERSION");
    run(&["--print-errors", "--exists", &format!("flashrnn >= {version}")])?;
    let folder = PathBuf::from(run(&["--variable=libdir", "flashrnn"])?);
    match library_in(&folder) {
        Some(_) => Ok(folder),
        None => Err(format!("flashrnn.pc names {}, which has none of {NAMES:?}", folder.display())),
    }
}

fn link(folder: &Path) {
    println!("cargo:rustc-link-search=native={}", folder.display());
    println!("cargo:rustc-link-lib=dylib=flashrnn");
    println!("cargo:lib_dir={}", folder.display());
    if let Some(library) = library_in(folder) {
        println!("cargo:rerun-if-changed={}", library.display());
    }
    // cargo puts folders of the link search that lie below target/ on the path of what `cargo run` and `cargo test`
    // start, doctests included: links there spare every dependent an rpath.
    #[cfg(unix)]
    if let Some(out) = env::var_os("OUT_DIR").map(PathBuf::from) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with("libflashrnn.") {
                let link = out.join(&name);
                let _ = std::fs::remove_file(&link);
                let target = std::fs::canonicalize(entry.path()).unwrap_or_else(|_| entry.path());
                if let Err(error) = std::os::unix::fs::symlink(target, &link) {
                    println!("cargo:warning={} cannot be made: {error}", link.display());
                }
            }
        }
        println!("cargo:rustc-link-search=native={}", out.display());
    }
}
