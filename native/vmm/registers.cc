// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/registers.h"

#include <algorithm>

namespace tsbhyve::vmm {

namespace {

struct Name {
  Register index;
  int name;
};

constexpr Name names[] = {
    {Register::rax, VM_REG_GUEST_RAX},
    {Register::rcx, VM_REG_GUEST_RCX},
    {Register::rdx, VM_REG_GUEST_RDX},
    {Register::rbx, VM_REG_GUEST_RBX},
    {Register::rsp, VM_REG_GUEST_RSP},
    {Register::rbp, VM_REG_GUEST_RBP},
    {Register::rsi, VM_REG_GUEST_RSI},
    {Register::rdi, VM_REG_GUEST_RDI},
    {Register::r8, VM_REG_GUEST_R8},
    {Register::r9, VM_REG_GUEST_R9},
    {Register::r10, VM_REG_GUEST_R10},
    {Register::r11, VM_REG_GUEST_R11},
    {Register::r12, VM_REG_GUEST_R12},
    {Register::r13, VM_REG_GUEST_R13},
    {Register::r14, VM_REG_GUEST_R14},
    {Register::r15, VM_REG_GUEST_R15},
    {Register::rip, VM_REG_GUEST_RIP},
    {Register::rflags, VM_REG_GUEST_RFLAGS},
    {Register::es_selector, VM_REG_GUEST_ES},
    {Register::cs_selector, VM_REG_GUEST_CS},
    {Register::ss_selector, VM_REG_GUEST_SS},
    {Register::ds_selector, VM_REG_GUEST_DS},
    {Register::fs_selector, VM_REG_GUEST_FS},
    {Register::gs_selector, VM_REG_GUEST_GS},
    {Register::ldtr_selector, VM_REG_GUEST_LDTR},
    {Register::tr_selector, VM_REG_GUEST_TR},
    {Register::cr0, VM_REG_GUEST_CR0},
    {Register::cr2, VM_REG_GUEST_CR2},
    {Register::cr3, VM_REG_GUEST_CR3},
    {Register::cr4, VM_REG_GUEST_CR4},
    {Register::efer, VM_REG_GUEST_EFER},
    {Register::pdpte0, VM_REG_GUEST_PDPTE0},
    {Register::pdpte1, VM_REG_GUEST_PDPTE1},
    {Register::pdpte2, VM_REG_GUEST_PDPTE2},
    {Register::pdpte3, VM_REG_GUEST_PDPTE3},
    {Register::dr0, VM_REG_GUEST_DR0},
    {Register::dr1, VM_REG_GUEST_DR1},
    {Register::dr2, VM_REG_GUEST_DR2},
    {Register::dr3, VM_REG_GUEST_DR3},
    {Register::dr6, VM_REG_GUEST_DR6},
    {Register::dr7, VM_REG_GUEST_DR7},
    {Register::interrupt_shadow, VM_REG_GUEST_INTR_SHADOW},
};

/// A descriptor's rows: base, limit, attributes. GDTR and IDTR have no attributes.
struct Descriptor {
  Register base;
  int name;
  bool is_table;
};
constexpr Descriptor descriptors[] = {
    {Register::es_base, VM_REG_GUEST_ES, false},     {Register::cs_base, VM_REG_GUEST_CS, false},
    {Register::ss_base, VM_REG_GUEST_SS, false},     {Register::ds_base, VM_REG_GUEST_DS, false},
    {Register::fs_base, VM_REG_GUEST_FS, false},     {Register::gs_base, VM_REG_GUEST_GS, false},
    {Register::ldtr_base, VM_REG_GUEST_LDTR, false}, {Register::tr_base, VM_REG_GUEST_TR, false},
    {Register::gdtr_base, VM_REG_GUEST_GDTR, true},  {Register::idtr_base, VM_REG_GUEST_IDTR, true},
};

/// The kernel lets go of a shadow and never makes one.
bool can_write(Register index, std::uint64_t value) { return index != Register::interrupt_shadow || value == 0; }

bool contains(RegisterGroup groups, RegisterGroup group) {
  return (static_cast<unsigned>(groups) & static_cast<unsigned>(group)) != 0;
}

}  // namespace

/// Which registers there are differs between Intel and AMD.
Registers::Registers(const Library& library, vcpu* processor) : library_(library), vcpu_(processor) {
  for (const auto& [index, name] : names) {
    std::uint64_t value = 0;
    if (library_.vm_get_register(vcpu_, name, &value) == 0)
      named_.push_back({index, register_rows[row(index)].group, name});
  }
}

void Registers::get(RegisterGroup groups, std::span<std::uint64_t> values) const {
  for (std::size_t i = 0; i < register_count; i++) {
    if (contains(groups, register_rows[i].group)) values[i] = 0;
  }
  std::vector<int> list;
  std::vector<std::size_t> places;
  for (const Named& entry : named_) {
    if (!contains(groups, entry.group)) continue;
    list.push_back(entry.name);
    places.push_back(row(entry.index));
  }
  std::vector<std::uint64_t> read(list.size());
  if (!list.empty()) {
    TSBHYVE_VMM(library_, vm_get_register_set, vcpu_, static_cast<unsigned>(list.size()), list.data(), read.data());
  }
  for (std::size_t i = 0; i < places.size(); i++) values[places[i]] = read[i];
  if (!contains(groups, RegisterGroup::Segments)) return;
  for (const auto& [base, name, is_table] : descriptors) {
    std::uint32_t limit = 0, access = 0;
    TSBHYVE_VMM(library_, vm_get_desc, vcpu_, name, &values[row(base)], &limit, &access);
    values[row(base) + 1] = limit;
    if (!is_table) values[row(base) + 2] = access;
  }
}

void Registers::set(RegisterGroup groups, std::span<const std::uint64_t> values) {
  std::vector<int> list;
  std::vector<std::uint64_t> written;
  for (const Named& entry : named_) {
    if (!contains(groups, entry.group) || !can_write(entry.index, values[row(entry.index)])) continue;
    list.push_back(entry.name);
    written.push_back(values[row(entry.index)]);
  }
  set_list(list, written);
  if (!contains(groups, RegisterGroup::Segments)) return;
  for (const auto& [base, name, is_table] : descriptors) {
    TSBHYVE_VMM(library_, vm_set_desc, vcpu_, name, values[row(base)],
                static_cast<std::uint32_t>(values[row(base) + 1]),
                is_table ? 0 : static_cast<std::uint32_t>(values[row(base) + 2]));
  }
}

void Registers::update(std::span<const std::uint64_t> before, std::span<const std::uint64_t> after) {
  std::vector<int> list;
  std::vector<std::uint64_t> written;
  for (const Named& entry : named_) {
    const std::uint64_t value = after[row(entry.index)];
    if (before[row(entry.index)] == value || !can_write(entry.index, value)) continue;
    list.push_back(entry.name);
    written.push_back(value);
  }
  set_list(list, written);
  for (const auto& [base, name, is_table] : descriptors) {
    const std::size_t at = row(base), rows = is_table ? 2 : 3;
    if (std::equal(&before[at], &before[at] + rows, &after[at])) continue;
    TSBHYVE_VMM(library_, vm_set_desc, vcpu_, name, after[at], static_cast<std::uint32_t>(after[at + 1]),
                is_table ? 0 : static_cast<std::uint32_t>(after[at + 2]));
  }
}

void Registers::set_list(const std::vector<int>& list, std::vector<std::uint64_t>& values) {
  if (list.empty()) return;
  TSBHYVE_VMM(library_, vm_set_register_set, vcpu_, static_cast<unsigned>(list.size()), list.data(), values.data());
}

std::uint64_t Registers::get_one(int name) const {
  std::uint64_t value = 0;
  TSBHYVE_VMM(library_, vm_get_register, vcpu_, name, &value);
  return value;
}

void Registers::set_one(int name, std::uint64_t value) { TSBHYVE_VMM(library_, vm_set_register, vcpu_, name, value); }

}  // namespace tsbhyve::vmm
