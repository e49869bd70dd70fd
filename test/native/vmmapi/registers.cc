// SPDX-License-Identifier: BSD-2-Clause
// Registers by the kernel's names, and the guest's code.
#include <cerrno>
#include <cstring>

#include "vmctx.h"

using namespace imitation;
using tsbhyve::Register;
using tsbhyve::RegisterGroup;

namespace {

struct Named {
  int name;
  Register index;
};
constexpr Named names[] = {
    {VM_REG_GUEST_RAX, Register::rax},
    {VM_REG_GUEST_RBX, Register::rbx},
    {VM_REG_GUEST_RCX, Register::rcx},
    {VM_REG_GUEST_RDX, Register::rdx},
    {VM_REG_GUEST_RSI, Register::rsi},
    {VM_REG_GUEST_RDI, Register::rdi},
    {VM_REG_GUEST_RBP, Register::rbp},
    {VM_REG_GUEST_R8, Register::r8},
    {VM_REG_GUEST_R9, Register::r9},
    {VM_REG_GUEST_R10, Register::r10},
    {VM_REG_GUEST_R11, Register::r11},
    {VM_REG_GUEST_R12, Register::r12},
    {VM_REG_GUEST_R13, Register::r13},
    {VM_REG_GUEST_R14, Register::r14},
    {VM_REG_GUEST_R15, Register::r15},
    {VM_REG_GUEST_CR0, Register::cr0},
    {VM_REG_GUEST_CR3, Register::cr3},
    {VM_REG_GUEST_CR4, Register::cr4},
    {VM_REG_GUEST_DR7, Register::dr7},
    {VM_REG_GUEST_RSP, Register::rsp},
    {VM_REG_GUEST_RIP, Register::rip},
    {VM_REG_GUEST_RFLAGS, Register::rflags},
    {VM_REG_GUEST_ES, Register::es_selector},
    {VM_REG_GUEST_CS, Register::cs_selector},
    {VM_REG_GUEST_SS, Register::ss_selector},
    {VM_REG_GUEST_DS, Register::ds_selector},
    {VM_REG_GUEST_FS, Register::fs_selector},
    {VM_REG_GUEST_GS, Register::gs_selector},
    {VM_REG_GUEST_LDTR, Register::ldtr_selector},
    {VM_REG_GUEST_TR, Register::tr_selector},
    {VM_REG_GUEST_EFER, Register::efer},
    {VM_REG_GUEST_CR2, Register::cr2},
    {VM_REG_GUEST_PDPTE0, Register::pdpte0},
    {VM_REG_GUEST_PDPTE1, Register::pdpte1},
    {VM_REG_GUEST_PDPTE2, Register::pdpte2},
    {VM_REG_GUEST_PDPTE3, Register::pdpte3},
    {VM_REG_GUEST_INTR_SHADOW, Register::interrupt_shadow},
    {VM_REG_GUEST_DR0, Register::dr0},
    {VM_REG_GUEST_DR1, Register::dr1},
    {VM_REG_GUEST_DR2, Register::dr2},
    {VM_REG_GUEST_DR3, Register::dr3},
    {VM_REG_GUEST_DR6, Register::dr6},
};

const Named* find(int name) {
  for (const Named& entry : names) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

/// First row of a descriptor's base; the tables have no attributes.
bool base_of(int name, Register& base, bool& is_table) {
  is_table = name == VM_REG_GUEST_GDTR || name == VM_REG_GUEST_IDTR;
  if (name == VM_REG_GUEST_GDTR)
    base = Register::gdtr_base;
  else if (name == VM_REG_GUEST_IDTR)
    base = Register::idtr_base;
  else if (const Named* entry = find(name); entry && (name >= VM_REG_GUEST_ES && name <= VM_REG_GUEST_TR))
    base = static_cast<Register>(row(entry->index) + 1);
  else
    return false;
  return true;
}

RegisterGroup joined(RegisterGroup a, RegisterGroup b) {
  return static_cast<RegisterGroup>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

}  // namespace

namespace imitation {

std::vector<std::uint64_t> registers(vcpu* cpu) {
  std::vector<std::uint64_t> values(tsbhyve::register_count);
  cpu->core().get_registers(RegisterGroup::All, values);
  return values;
}

void set_registers(vcpu* cpu, RegisterGroup groups, const std::vector<std::uint64_t>& values) {
  cpu->core().set_registers(groups, values);
}

}  // namespace imitation

int vm_get_register_set(vcpu* cpu, unsigned count, const int* regnums, std::uint64_t* regvals) {
  const Frozen frozen(cpu);
  if (!frozen) return fail(EBUSY);
  const std::vector<std::uint64_t> values = registers(cpu);
  for (unsigned i = 0; i < count; i++) {
    const Named* const entry = find(regnums[i]);
    if (!entry) return fail(EINVAL);
    regvals[i] = values[row(entry->index)];
  }
  return 0;
}

int vm_set_register_set(vcpu* cpu, unsigned count, const int* regnums, std::uint64_t* regvals) {
  const Frozen frozen(cpu);
  if (!frozen) return fail(EBUSY);
  std::vector<std::uint64_t> values = registers(cpu);
  auto groups = static_cast<RegisterGroup>(0);
  for (unsigned i = 0; i < count; i++) {
    const Named* const entry = find(regnums[i]);
    if (!entry) return fail(EINVAL);
    if (regnums[i] == VM_REG_GUEST_INTR_SHADOW && regvals[i] != 0) return fail(EINVAL);
    if (regnums[i] == VM_REG_GUEST_RIP) cpu->next_rip = regvals[i];
    values[row(entry->index)] = regvals[i];
    groups = joined(groups, tsbhyve::register_rows[row(entry->index)].group);
  }
  if (count == 1 && regnums[0] == VM_REG_GUEST_INTR_SHADOW) values[row(Register::debug_shadow)] = 0;
  cpu->awaits_msr = cpu->awaits_msr && groups == static_cast<RegisterGroup>(0);
  set_registers(cpu, groups, values);
  return 0;
}

int vm_get_register(vcpu* cpu, int reg, std::uint64_t* retval) { return vm_get_register_set(cpu, 1, &reg, retval); }
int vm_set_register(vcpu* cpu, int reg, std::uint64_t val) { return vm_set_register_set(cpu, 1, &reg, &val); }

int vm_get_desc(vcpu* cpu, int reg, std::uint64_t* base, std::uint32_t* limit, std::uint32_t* access) {
  const Frozen frozen(cpu);
  if (!frozen) return fail(EBUSY);
  Register first{};
  bool is_table = false;
  if (!base_of(reg, first, is_table)) return fail(EINVAL);
  const std::vector<std::uint64_t> values = registers(cpu);
  *base = values[row(first)];
  *limit = static_cast<std::uint32_t>(values[row(first) + 1]);
  *access = is_table ? 0 : static_cast<std::uint32_t>(values[row(first) + 2]);
  return 0;
}

int vm_set_desc(vcpu* cpu, int reg, std::uint64_t base, std::uint32_t limit, std::uint32_t access) {
  const Frozen frozen(cpu);
  if (!frozen) return fail(EBUSY);
  Register first{};
  bool is_table = false;
  if (!base_of(reg, first, is_table)) return fail(EINVAL);
  std::vector<std::uint64_t> values = registers(cpu);
  values[row(first)] = base;
  values[row(first) + 1] = limit;
  if (!is_table) values[row(first) + 2] = access;
  set_registers(cpu, RegisterGroup::Segments, values);
  return 0;
}

namespace imitation {

namespace {

constexpr std::uint64_t present = 1, large = 1 << 7, page_mask = 0xffffffffff000;

std::uint64_t entry_at(vmctx* vm, std::uint64_t table, std::uint64_t index, unsigned bytes) {
  const std::uint64_t at = table + index * bytes;
  const std::uint8_t* const page = vm->ram.host_page(at);
  std::uint64_t entry = 0;
  if (page) std::memcpy(&entry, page + (at & 4095), bytes);
  return entry;
}

/// SDM vol. 3, chapter 4, without rights: the processor has fetched this instruction already.
bool translate(vmctx* vm, const std::vector<std::uint64_t>& values, std::uint64_t linear, std::uint64_t& physical) {
  const vm_paging_mode mode = paging_of(values).paging_mode;
  physical = linear;
  if (mode == PAGING_MODE_FLAT) return true;
  const bool wide = mode != PAGING_MODE_32;
  const unsigned bits = wide ? 9 : 10;
  unsigned level = mode == PAGING_MODE_64 ? 4 : mode == PAGING_MODE_PAE ? 3 : 2;
  std::uint64_t table = values[row(Register::cr3)] & (mode == PAGING_MODE_PAE ? 0xffffffe0 : page_mask);
  for (;; level--) {
    const unsigned shift = 12 + bits * (level - 1);
    const std::uint64_t entry = entry_at(vm, table, linear >> shift & ((1u << bits) - 1), wide ? 8 : 4);
    if (!(entry & present)) return false;
    table = entry & page_mask;
    const bool is_page = level == 1 || (entry & large && !(mode == PAGING_MODE_PAE && level == 3));
    if (!is_page) continue;
    const std::uint64_t within = (std::uint64_t{1} << shift) - 1;
    physical = (table & ~within) | (linear & within);
    return true;
  }
}

}  // namespace

vm_guest_paging paging_of(const std::vector<std::uint64_t>& values) {
  constexpr std::uint64_t protection = 1, paging = std::uint64_t{1} << 31, extension = 1 << 5, long_active = 1 << 10;
  constexpr std::uint64_t code_long = 1 << 13;
  vm_guest_paging result{};
  result.cr3 = values[row(Register::cr3)];
  result.cpl = static_cast<int>(values[row(Register::ss_attributes)] >> 5 & 3);
  const bool is_long = values[row(Register::efer)] & long_active;
  if (!(values[row(Register::cr0)] & protection))
    result.cpu_mode = CPU_MODE_REAL;
  else if (!is_long)
    result.cpu_mode = CPU_MODE_PROTECTED;
  else
    result.cpu_mode = values[row(Register::cs_attributes)] & code_long ? CPU_MODE_64BIT : CPU_MODE_COMPATIBILITY;
  if (!(values[row(Register::cr0)] & paging))
    result.paging_mode = PAGING_MODE_FLAT;
  else if (!(values[row(Register::cr4)] & extension))
    result.paging_mode = PAGING_MODE_32;
  else
    result.paging_mode = is_long ? PAGING_MODE_64 : PAGING_MODE_PAE;
  return result;
}

Code code_at(vmctx* vm, const std::vector<std::uint64_t>& values, std::uint64_t rip) {
  Code code{};
  const bool is_64 = paging_of(values).cpu_mode == CPU_MODE_64BIT;
  const std::uint64_t start = is_64 ? rip : (values[row(Register::cs_base)] + rip) & 0xffffffff;
  for (; code.count < sizeof code.bytes; code.count++) {
    std::uint64_t physical = 0;
    if (!translate(vm, values, start + code.count, physical)) break;
    const std::uint8_t* const page = vm->ram.host_page(physical);
    if (!page) break;
    code.bytes[code.count] = page[physical & 4095];
  }
  return code;
}

}  // namespace imitation
