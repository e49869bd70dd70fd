// SPDX-License-Identifier: BSD-2-Clause
// Of which maker the CPU of this host is: what manuals leave open, makers do differently.
#pragma once

#if defined(__x86_64__)
#include <cpuid.h>

#include <cstring>
#endif

namespace test {

struct HostKind {
  bool amd = true;        // may do what only AMD does
  bool intel = false;     // may do what only Intel does
  bool reference = true;  // AMD family 19h, of which docs/undefined-flags.md and golden.bin tell
};

/// Of the host that made golden.bin.
inline constexpr HostKind recorded_kind{};

/// A processor of another maker may do as either of the two.
inline HostKind host_kind() {
#if defined(__x86_64__)
  unsigned eax = 0, vendor[3] = {}, unused = 0;
  __cpuid(0, eax, vendor[0], vendor[2], vendor[1]);
  const auto is = [&](const char* name) { return std::memcmp(vendor, name, sizeof vendor) == 0; };
  const bool amd = is("AuthenticAMD"), intel = is("GenuineIntel");
  __cpuid(1, eax, vendor[0], vendor[2], unused);
  constexpr unsigned extended_family = 0x19 - 0xf;
  return {!intel, !amd, amd && (eax >> 20 & 0xff) == extended_family};
#else
  return recorded_kind;
#endif
}

}  // namespace test
