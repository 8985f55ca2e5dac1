// SPDX-License-Identifier: Apache-2.0
// Handles are numbers dressed as pointers: a slot and the generation of its use. A closed or forged
// handle is found out instead of dereferenced, and an object lives until its last running call has
// let go of it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "api/error.hpp"

namespace flashrnn {

template <typename Handle, typename Object>
class HandleTable {
 public:
  // kind tells tables apart, so that a handle of one kind is refused as another.
  HandleTable(uint8_t kind, const char* name) : kind_(kind), name_(name) {}

  Handle insert(std::shared_ptr<Object> object) {
    const std::unique_lock lock(mutex_);
    size_t index = 0;
    if (free_.empty()) {
      if (slots_.size() >= kMaxSlots) fail(Status::kOutOfMemory, "too many open {} handles", name_);
      index = slots_.size();
      slots_.emplace_back();
      free_.reserve(slots_.size());
    } else {
      index = free_.back();
      free_.pop_back();
    }
    slots_[index].object = std::move(object);
    return encode(index, slots_[index].generation);
  }

  std::shared_ptr<Object> get(Handle handle) const {
    const std::shared_lock lock(mutex_);
    const Slot* slot = find(handle);
    if (slot == nullptr) refuse(handle);
    return slot->object;
  }

  // NULL is ignored. The object is destroyed outside the lock.
  void close(Handle handle) {
    if (handle == nullptr) return;
    std::shared_ptr<Object> last;
    {
      const std::unique_lock lock(mutex_);
      Slot* slot = const_cast<Slot*>(find(handle));
      if (slot == nullptr) refuse(handle);
      last = std::move(slot->object);
      slot->object = nullptr;
      ++slot->generation;
      free_.push_back(static_cast<size_t>(slot - slots_.data()));
    }
  }

 private:
  struct Slot {
    std::shared_ptr<Object> object;
    uint32_t generation = 1;
  };
  static constexpr size_t kMaxSlots = size_t{1} << 24;

  Handle encode(size_t index, uint32_t generation) const {
    const uint64_t bits = uint64_t{kind_} << 56 | uint64_t{generation} << 24 | index;
    return reinterpret_cast<Handle>(static_cast<uintptr_t>(bits));
  }

  const Slot* find(Handle handle) const {
    const auto bits = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(handle));
    const size_t index = bits & (kMaxSlots - 1);
    if (bits >> 56 != kind_ || index >= slots_.size()) return nullptr;
    const Slot& slot = slots_[index];
    const bool is_live = slot.object != nullptr && (bits >> 24 & 0xffffffff) == slot.generation;
    return is_live ? &slot : nullptr;
  }

  [[noreturn]] void refuse(Handle handle) const {
    fail(Status::kInvalidHandle, "{} is {}: must be an open {} handle", name_,
         fmt::ptr(static_cast<const void*>(handle)), name_);
  }

  static_assert(sizeof(uintptr_t) == 8, "handles need 64 bits");

  uint8_t kind_;
  const char* name_;
  mutable std::shared_mutex mutex_;
  std::vector<Slot> slots_;
  std::vector<size_t> free_;
};

}  // namespace flashrnn
