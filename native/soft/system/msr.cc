// SPDX-License-Identifier: BSD-2-Clause
// The model-specific registers (SDM vol. 4, table 2-2): one row for each that is plain storage, code for the others.
#include "soft/apic.h"
#include "soft/platform.h"
#include "soft/system/fault.h"
#include "soft/system/model.h"
#include "soft/system/mtrr.h"
#include "soft/system/paging_mode.h"
#include "soft/system/system.h"

namespace tsbhyve::soft {

namespace {

/// What WRMSR checks of a value.
enum class Rule : u8 {
  Mask,    // bits outside the mask: #GP(0)
  Ignore,  // bits outside the mask keep their value
  Canonical,
  Pat,  // eight memory types (SDM vol. 3, 11.12.2)
};

struct Row {
  u32 index;
  u64 MsrState::*field;
  Rule rule;
  u64 mask;  // writable bits; 0 with Rule::Mask: only zero may be written
  bool read_only = false;
};

constexpr u64 all_bits = ~u64{0};

constexpr Row rows[] = {
    {0x3a, &MsrState::feature_control, Rule::Mask, 0, true},      // IA32_FEATURE_CONTROL, locked
    {0x8b, &MsrState::microcode_revision, Rule::Ignore, 0},       // IA32_BIOS_SIGN_ID: written before CPUID reloads it
    {0xce, &MsrState::platform_info, Rule::Mask, 0, true},        // MSR_PLATFORM_INFO
    {0x174, &MsrState::sysenter_cs, Rule::Mask, 0xffffffff},      // IA32_SYSENTER_CS
    {0x175, &MsrState::sysenter_esp, Rule::Canonical, all_bits},  // IA32_SYSENTER_ESP
    {0x176, &MsrState::sysenter_eip, Rule::Canonical, all_bits},  // IA32_SYSENTER_EIP
    {0x17a, &MsrState::mcg_status, Rule::Mask, 7},                // IA32_MCG_STATUS
    {0x1a0, &MsrState::misc_enable, Rule::Ignore, 1},             // IA32_MISC_ENABLE: fast strings
    {0x1d9, &MsrState::debug_control, Rule::Mask, 3},             // IA32_DEBUGCTL: stored, without effect
    {0x277, &MsrState::pat, Rule::Pat, all_bits},                 // IA32_PAT
    {0xc0000081, &MsrState::star, Rule::Mask, all_bits},          // IA32_STAR
    {0xc0000082, &MsrState::lstar, Rule::Canonical, all_bits},    // IA32_LSTAR
    {0xc0000083, &MsrState::cstar, Rule::Canonical, all_bits},    // IA32_CSTAR
    {0xc0000084, &MsrState::sfmask, Rule::Mask, 0xffffffff},      // IA32_FMASK
    {0xc0000102, &MsrState::kernel_gs_base, Rule::Canonical, all_bits},
    {0xc0000103, &MsrState::tsc_aux, Rule::Mask, 0xffffffff},
};

/// Registers that never change.
struct Constant {
  u32 index;
  u64 value;
};
constexpr Constant constants[] = {
    {0x17, 0},                   // IA32_PLATFORM_ID
    {0x10a, arch_capabilities},  // IA32_ARCH_CAPABILITIES
    {0x179, 0},                  // IA32_MCG_CAP: no banks
};

constexpr u32 tsc_msr = 0x10, apic_base_msr = 0x1b, tsc_adjust_msr = 0x3b;
constexpr u32 efer_msr = 0xc0000080, fs_base_msr = 0xc0000100, gs_base_msr = 0xc0000101;

const Row* find_row(u32 index) {
  for (const Row& row : rows) {
    if (row.index == index) return &row;
  }
  return nullptr;
}

const Constant* find_constant(u32 index) {
  for (const Constant& constant : constants) {
    if (constant.index == index) return &constant;
  }
  return nullptr;
}

bool valid_pat(u64 value) {
  for (u32 i = 0; i < 8; i++) {
    const u64 type = (value >> (8 * i)) & 0xff;
    if (type > 7 || type == 2 || type == 3) return false;
  }
  return true;
}

bool write_row(Cpu* cpu, const Row& row, u64 value) {
  u64& field = cpu->msr.*row.field;
  if (row.read_only) return false;
  switch (row.rule) {
    case Rule::Mask:
      if (value & ~row.mask) return false;
      break;
    case Rule::Ignore: value = (field & ~row.mask) | (value & row.mask); break;
    case Rule::Canonical:
      if (!canonical(value)) return false;
      break;
    case Rule::Pat:
      if (!valid_pat(value)) return false;
      break;
  }
  field = value;
  return true;
}

bool write_segment_base(Cpu* cpu, u8 reg, u64 value) {
  if (!canonical(value)) return false;
  cpu->segment[reg].base = value;
  return true;
}

/// Writing either of TSC and TSC_ADJUST moves the other along (SDM vol. 3, 17.17.3).
void move_tsc(Cpu* cpu, u64 distance) {
  cpu->platform->tsc_offset = static_cast<i64>(static_cast<u64>(cpu->platform->tsc_offset) + distance);
  cpu->msr.tsc_adjust += distance;
  cpu->deadline_changed = true;
}

}  // namespace

bool owns_msr(u32 index) {
  switch (index) {
    case tsc_msr:
    case apic_base_msr:
    case tsc_adjust_msr:
    case efer_msr:
    case fs_base_msr:
    case gs_base_msr: return true;
    default: return is_apic_msr(index) || is_mtrr(index) || find_row(index) || find_constant(index);
  }
}

bool msr_read(Cpu* cpu, u32 index, u64 retired, u64& value) {
  if (is_apic_msr(index)) return cpu->apic->read_msr(index, value);
  if (is_mtrr(index)) return read_mtrr(cpu, index, value);
  if (const Row* row = find_row(index)) {
    value = cpu->msr.*row->field;
    return true;
  }
  if (const Constant* constant = find_constant(index)) {
    value = constant->value;
    return true;
  }
  switch (index) {
    case tsc_msr: value = cpu->platform->tsc(retired); return true;
    case apic_base_msr: value = cpu->apic->base_msr(); return true;
    case tsc_adjust_msr: value = cpu->msr.tsc_adjust; return true;
    case efer_msr: value = cpu->efer; return true;
    case fs_base_msr: value = cpu->segment[FS].base; return true;
    case gs_base_msr: value = cpu->segment[GS].base; return true;
    default: return false;
  }
}

bool msr_write(Cpu* cpu, u32 index, u64 retired, u64 value) {
  if (is_apic_msr(index)) return cpu->apic->write_msr(index, value);
  if (is_mtrr(index)) return write_mtrr(cpu, index, value);
  if (const Row* row = find_row(index)) return write_row(cpu, *row, value);
  switch (index) {
    case tsc_msr: move_tsc(cpu, value - cpu->platform->tsc(retired)); return true;
    case apic_base_msr: return cpu->apic->write_base_msr(value);
    case tsc_adjust_msr: move_tsc(cpu, value - cpu->msr.tsc_adjust); return true;
    case efer_msr: return write_efer(cpu, value);
    case fs_base_msr: return write_segment_base(cpu, FS, value);
    case gs_base_msr: return write_segment_base(cpu, GS, value);
    default: return false;
  }
}

const u32* saved_msrs(size_t& count) {
  // Not here: EFER and the FS and GS bases, which are registers; what the guest cannot write; and the TSC, which is VM
  // time plus TSC_ADJUST.
  static constexpr u32 saved[] = {
      0x3b,  0x174, 0x175, 0x176,      0x17a,      0x1a0,      0x1d9,      0x277,      0x200,      0x201, 0x202,
      0x203, 0x204, 0x205, 0x206,      0x207,      0x208,      0x209,      0x20a,      0x20b,      0x20c, 0x20d,
      0x20e, 0x20f, 0x250, 0x258,      0x259,      0x268,      0x269,      0x26a,      0x26b,      0x26c, 0x26d,
      0x26e, 0x26f, 0x2ff, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102, 0xc0000103,
  };
  count = sizeof(saved) / sizeof(saved[0]);
  return saved;
}

}  // namespace tsbhyve::soft
