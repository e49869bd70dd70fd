// SPDX-License-Identifier: BSD-2-Clause
// The small guest in flat 32-bit protected mode: where branches are chained and remembered, and the local APIC is in
// reach.
#pragma once

#include "guest.h"

namespace tsbhyve::test {

inline constexpr std::uint32_t gdt_at = 0x700, idt_at = 0x10000;
inline constexpr int flat_code = 8, flat_data = 16, based_code = 24;
inline constexpr std::uint32_t second_base = 0x20000;  // of the code segment that is not flat

/// Runs from 1000h with ESP = 8000h; every interrupt vector leads to an IRET at 500h through an interrupt gate.
class FlatGuest : public Guest {
 public:
  explicit FlatGuest(const std::vector<int>& code) : Guest(code) {
    write(gdt_at, {0,
                   0,
                   0,
                   0,
                   0,
                   0,
                   0,
                   0,
                   0xff,
                   0xff,
                   0,
                   0,
                   0,
                   0x9b,
                   0xcf,
                   0,
                   0xff,
                   0xff,
                   0,
                   0,
                   0,
                   0x93,
                   0xcf,
                   0,
                   0xff,
                   0xff,
                   0,
                   0,
                   second_base >> 16,
                   0x9b,
                   0xcf,
                   0});
    for (std::uint32_t vector = 0; vector < 256; vector++) set_vector(vector, 0x500);
    std::vector<std::uint64_t> values(register_count);
    vcpu->get_registers(RegisterGroup::All, values);
    const auto put = [&values](Register which, std::uint64_t value) {
      values[static_cast<std::size_t>(which)] = value;
    };
    put(Register::cr0, 0x11);
    put(Register::gdtr_base, gdt_at);
    put(Register::gdtr_limit, 31);
    put(Register::idtr_base, idt_at);
    put(Register::idtr_limit, 0x7ff);
    for (const Register segment : {Register::es_selector, Register::cs_selector, Register::ss_selector,
                                   Register::ds_selector, Register::fs_selector, Register::gs_selector}) {
      const bool code_segment = segment == Register::cs_selector;
      const auto row = static_cast<std::uint32_t>(segment);
      put(segment, static_cast<std::uint64_t>(code_segment ? flat_code : flat_data));
      put(static_cast<Register>(row + 1), 0);
      put(static_cast<Register>(row + 2), 0xffffffff);
      put(static_cast<Register>(row + 3), code_segment ? 0xc09b : 0xc093);
    }
    vcpu->set_registers(RegisterGroup::All, values);
  }

  void set_vector(std::uint32_t vector, std::uint32_t handler) {
    const auto byte_of = [handler](std::uint32_t n) { return static_cast<int>(handler >> (8 * n) & 0xff); };
    write(idt_at + vector * 8, {byte_of(0), byte_of(1), flat_code, 0, 0, 0x8e, byte_of(2), byte_of(3)});
  }

  /// Paging with 4 KiB pages: the first MiB onto itself, by a directory at 3000h and a table at 4000h.
  void map_identity() {
    write(0x3000, {0x67, 0x40, 0, 0});
    for (std::uint32_t page = 0; page < 256; page++) {
      write(0x4000 + page * 4, {0x67, static_cast<int>(page << 4 & 0xf0), static_cast<int>(page >> 4), 0});
    }
    set(Register::cr3, 0x3000);
    set(Register::cr0, 0x80000011);
  }

  void enable_apic() {
    auto apic = vcpu->get_lapic();
    apic[5] = 0x1ff;  // spurious vector register: enabled
    vcpu->set_lapic(apic);
  }
};

}  // namespace tsbhyve::test
