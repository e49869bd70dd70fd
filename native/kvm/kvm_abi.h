// SPDX-License-Identifier: BSD-2-Clause
// The kernel's structures with open tails, and their request numbers. Declared here: some of the kernel's headers write
// such a tail with an empty struct, which has a size in C++, and then offsets are wrong and so are request numbers,
// which hold the size.
#pragma once

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

struct ShortHead {
  __u32 count;
};
struct Head {
  __u32 count, padding;
};

template <class HeadType, class Entry, std::size_t capacity>
struct List {
  HeadType head{};
  Entry entries[capacity]{};
};

/// One call moves fewer than 256 MSRs.
using MsrList = List<Head, kvm_msr_entry, 255>;
using MsrIndexList = List<ShortHead, __u32, 1024>;
using CpuidList = List<Head, kvm_cpuid_entry2, 256>;
using RouteList = List<Head, kvm_irq_routing_entry, 32>;
using SignalMask = List<ShortHead, __u8, 8>;  // the kernel's sigset_t, not the larger one of the C library

inline constexpr unsigned long get_msr_index_list = _IOWR(KVMIO, 0x02, ShortHead);
inline constexpr unsigned long get_supported_cpuid = _IOWR(KVMIO, 0x05, Head);
inline constexpr unsigned long set_gsi_routing = _IOW(KVMIO, 0x6a, Head);
inline constexpr unsigned long get_msrs = _IOWR(KVMIO, 0x88, Head);
inline constexpr unsigned long set_msrs = _IOW(KVMIO, 0x89, Head);
inline constexpr unsigned long set_signal_mask = _IOW(KVMIO, 0x8b, ShortHead);
inline constexpr unsigned long set_cpuid2 = _IOW(KVMIO, 0x90, Head);

/// XSAVE in the standard format, before what KVM_CAP_XSAVE2 adds.
struct XsaveRegion {
  __u32 words[1024];
};
inline constexpr unsigned long get_xsave = _IOR(KVMIO, 0xa4, XsaveRegion);
inline constexpr unsigned long set_xsave = _IOW(KVMIO, 0xa5, XsaveRegion);
inline constexpr unsigned long get_xsave2 = _IOR(KVMIO, 0xcf, XsaveRegion);

static_assert(sizeof(MsrList) == 8 + 255 * 16 && sizeof(MsrIndexList) == 4 + 4096 && sizeof(CpuidList) == 8 + 256 * 40);
static_assert(sizeof(RouteList) == 8 + 32 * 48 && sizeof(SignalMask) == 12);

}  // namespace tsbhyve::kvm
