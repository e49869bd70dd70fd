// SPDX-License-Identifier: BSD-2-Clause
// The register index list of the engine contract: one u64 a row, read and written in bulk by groups. The order is part
// of the ABI (abi_version in exit_slot.h); src/hypervisor/registers.ts holds the same list and a test compares the two.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tsbhyve {

// clang-format off
#define TSBHYVE_REGISTERS(R) \
  R(General, rax) R(General, rcx) R(General, rdx) R(General, rbx) R(General, rsp) R(General, rbp) R(General, rsi) R(General, rdi) \
  R(General, r8) R(General, r9) R(General, r10) R(General, r11) R(General, r12) R(General, r13) R(General, r14) R(General, r15) \
  R(General, rip) R(General, rflags) \
  R(Segments, es_selector) R(Segments, es_base) R(Segments, es_limit) R(Segments, es_attributes) \
  R(Segments, cs_selector) R(Segments, cs_base) R(Segments, cs_limit) R(Segments, cs_attributes) \
  R(Segments, ss_selector) R(Segments, ss_base) R(Segments, ss_limit) R(Segments, ss_attributes) \
  R(Segments, ds_selector) R(Segments, ds_base) R(Segments, ds_limit) R(Segments, ds_attributes) \
  R(Segments, fs_selector) R(Segments, fs_base) R(Segments, fs_limit) R(Segments, fs_attributes) \
  R(Segments, gs_selector) R(Segments, gs_base) R(Segments, gs_limit) R(Segments, gs_attributes) \
  R(Segments, ldtr_selector) R(Segments, ldtr_base) R(Segments, ldtr_limit) R(Segments, ldtr_attributes) \
  R(Segments, tr_selector) R(Segments, tr_base) R(Segments, tr_limit) R(Segments, tr_attributes) \
  R(Segments, gdtr_base) R(Segments, gdtr_limit) R(Segments, idtr_base) R(Segments, idtr_limit) \
  R(Control, cr0) R(Control, cr2) R(Control, cr3) R(Control, cr4) R(Control, cr8) R(Control, efer) R(Control, xcr0) \
  R(Control, pdpte0) R(Control, pdpte1) R(Control, pdpte2) R(Control, pdpte3) \
  R(Debug, dr0) R(Debug, dr1) R(Debug, dr2) R(Debug, dr3) R(Debug, dr6) R(Debug, dr7) \
  R(Events, run_state) R(Events, interrupt_shadow) R(Events, debug_shadow) R(Events, nmi_pending) R(Events, nmi_blocked) \
  R(Events, external_interrupt) R(Events, init_pending) R(Events, sipi_pending) R(Events, sipi_vector) R(Events, pending_debug)
// clang-format on

enum class RegisterGroup : std::uint32_t { General = 1, Segments = 2, Control = 4, Debug = 8, Events = 16, All = 31 };

enum class Register : std::uint32_t {
#define R(group, name) name,
  TSBHYVE_REGISTERS(R)
#undef R
      Count
};

struct RegisterRow {
  const char* name;
  RegisterGroup group;
};

inline constexpr RegisterRow register_rows[] = {
#define R(group, name) {#name, RegisterGroup::group},
    TSBHYVE_REGISTERS(R)
#undef R
};

inline constexpr std::size_t register_count = static_cast<std::size_t>(Register::Count);

}  // namespace tsbhyve
