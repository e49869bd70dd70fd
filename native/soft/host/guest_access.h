// SPDX-License-Identifier: BSD-2-Clause
// Single accesses to guest memory, which other vCPUs may touch at the same moment. An x86 host orders them by itself as
// the guest expects it (SDM vol. 3, 8.2.2: only a store may be overtaken, by later loads); elsewhere each is ordered.
#pragma once

#include <type_traits>

#include "soft/types.h"

namespace tsbhyve::soft::host {

#if defined(__x86_64__)
inline constexpr int load_order = __ATOMIC_RELAXED, store_order = __ATOMIC_RELAXED;
#else
inline constexpr int load_order = __ATOMIC_ACQUIRE, store_order = __ATOMIC_RELEASE;
#endif

template <class T>
struct GuestWord {
  using Type [[gnu::may_alias]] = T;
};

template <class T>
[[gnu::always_inline]] inline T load_word(const void* at) {
  return __atomic_load_n(static_cast<const typename GuestWord<T>::Type*>(at), load_order);
}
template <class T>
[[gnu::always_inline]] inline void store_word(void* at, T value) {
  __atomic_store_n(static_cast<typename GuestWord<T>::Type*>(at), value, store_order);
}

/// A T at its natural alignment goes in one access, if it has at most 8 bytes. Wider ones are not single accesses on
/// hardware either (SDM vol. 3, 8.1.1), and lie anywhere.
template <class T>
[[gnu::always_inline]] inline T load(const void* at) {
  if constexpr (std::is_integral_v<T>) {
    return load_word<T>(at);
  } else {
    T value;
    __builtin_memcpy(&value, at, sizeof(T));
    return value;
  }
}
template <class T>
[[gnu::always_inline]] inline void store(void* at, T value) {
  if constexpr (std::is_integral_v<T>) {
    store_word<T>(at, value);
  } else {
    __builtin_memcpy(at, &value, sizeof(T));
  }
}

/// Stores `desired` where `expected` lies, as one operation and full fence; what was found there.
template <class T>
[[gnu::always_inline]] inline T compare_exchange(void* at, T expected, T desired) {
  return __sync_val_compare_and_swap(static_cast<typename GuestWord<T>::Type*>(at), expected, desired);
}

#if defined(__x86_64__)
/// The same for 16 bytes, aligned.
inline u128 compare_exchange_16(void* at, u128 expected, u128 desired) {
  u64 low = static_cast<u64>(expected), high = static_cast<u64>(expected >> 64);
  asm volatile("lock cmpxchg16b %0"
               : "+m"(*static_cast<GuestWord<u128>::Type*>(at)), "+a"(low), "+d"(high)
               : "b"(static_cast<u64>(desired)), "c"(static_cast<u64>(desired >> 64))
               : "cc");
  return static_cast<u128>(high) << 64 | low;
}
#endif

/// Bytes of one access, which others see as a whole where it is aligned (SDM vol. 3, 8.1.1).
inline void copy_from(void* to, const u8* from, u32 size) {
  const auto in_one = [&]<class T>() {
    if (size != sizeof(T) || reinterpret_cast<u64>(from) % sizeof(T) != 0) return false;
    const T value = load_word<T>(from);
    __builtin_memcpy(to, &value, sizeof(T));
    return true;
  };
  if (in_one.operator()<u64>() || in_one.operator()<u32>() || in_one.operator()<u16>()) return;
  for (u32 i = 0; i < size; i++) static_cast<u8*>(to)[i] = load_word<u8>(from + i);
}
inline void copy_to(u8* to, const void* from, u32 size) {
  const auto in_one = [&]<class T>() {
    if (size != sizeof(T) || reinterpret_cast<u64>(to) % sizeof(T) != 0) return false;
    T value;
    __builtin_memcpy(&value, from, sizeof(T));
    store_word<T>(to, value);
    return true;
  };
  if (in_one.operator()<u64>() || in_one.operator()<u32>() || in_one.operator()<u16>()) return;
  for (u32 i = 0; i < size; i++) store_word<u8>(to + i, static_cast<const u8*>(from)[i]);
}

/// Everything before is done before everything after, for every vCPU.
inline void full_fence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

}  // namespace tsbhyve::soft::host
