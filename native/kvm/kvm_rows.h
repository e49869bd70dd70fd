// SPDX-License-Identifier: BSD-2-Clause
// Which field of the kernel's structures each register row is: one list, for reading and for writing.
#pragma once

#include <span>

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

constexpr std::size_t row(Register index) { return static_cast<std::size_t>(index); }

struct RowReader {
  std::span<std::uint64_t> values;
  template <class Field>
  void operator()(Register index, const Field& field) const {
    values[row(index)] = field;
  }
  void attributes(Register index, const kvm_segment& s) const {
    values[row(index)] = std::uint64_t{s.type} | std::uint64_t{s.s} << 4 | std::uint64_t{s.dpl} << 5 |
                         std::uint64_t{s.present} << 7 | std::uint64_t{s.avl} << 12 | std::uint64_t{s.l} << 13 |
                         std::uint64_t{s.db} << 14 | std::uint64_t{s.g} << 15 | std::uint64_t{s.unusable} << 16;
  }
};

struct RowWriter {
  std::span<const std::uint64_t> values;
  template <class Field>
  void operator()(Register index, Field& field) const {
    field = static_cast<Field>(values[row(index)]);
  }
  /// The VMX access-rights layout (SDM vol. 3, 25.4.1), as one word.
  void attributes(Register index, kvm_segment& s) const {
    const std::uint64_t word = values[row(index)];
    const auto bits = [word](unsigned from, unsigned mask) { return static_cast<__u8>(word >> from & mask); };
    s.type = bits(0, 15);
    s.s = bits(4, 1);
    s.dpl = bits(5, 3);
    s.present = bits(7, 1);
    s.avl = bits(12, 1);
    s.l = bits(13, 1);
    s.db = bits(14, 1);
    s.g = bits(15, 1);
    s.unusable = bits(16, 1);
  }
};

template <class Rows>
void general_rows(kvm_regs& r, const Rows& rows) {
  using enum Register;
  rows(rax, r.rax), rows(rcx, r.rcx), rows(rdx, r.rdx), rows(rbx, r.rbx);
  rows(rsp, r.rsp), rows(rbp, r.rbp), rows(rsi, r.rsi), rows(rdi, r.rdi);
  rows(r8, r.r8), rows(r9, r.r9), rows(r10, r.r10), rows(r11, r.r11);
  rows(r12, r.r12), rows(r13, r.r13), rows(r14, r.r14), rows(r15, r.r15);
  rows(rip, r.rip), rows(rflags, r.rflags);
}

/// `first` is the selector's row; base, limit and attributes follow it.
template <class Rows>
void segment_row(Register first, kvm_segment& segment, const Rows& rows) {
  const auto next = [first](unsigned by) { return static_cast<Register>(static_cast<unsigned>(first) + by); };
  rows(first, segment.selector);
  rows(next(1), segment.base);
  rows(next(2), segment.limit);
  rows.attributes(next(3), segment);
}

template <class Rows>
void segment_rows(kvm_sregs& s, const Rows& rows) {
  using enum Register;
  segment_row(es_selector, s.es, rows);
  segment_row(cs_selector, s.cs, rows);
  segment_row(ss_selector, s.ss, rows);
  segment_row(ds_selector, s.ds, rows);
  segment_row(fs_selector, s.fs, rows);
  segment_row(gs_selector, s.gs, rows);
  segment_row(ldtr_selector, s.ldt, rows);
  segment_row(tr_selector, s.tr, rows);
  rows(gdtr_base, s.gdt.base), rows(gdtr_limit, s.gdt.limit);
  rows(idtr_base, s.idt.base), rows(idtr_limit, s.idt.limit);
}

template <class Rows>
void control_rows(kvm_sregs& s, const Rows& rows) {
  using enum Register;
  rows(cr0, s.cr0), rows(cr2, s.cr2), rows(cr3, s.cr3), rows(cr4, s.cr4), rows(cr8, s.cr8), rows(efer, s.efer);
}

template <class Rows>
void debug_rows(kvm_debugregs& d, const Rows& rows) {
  using enum Register;
  rows(dr0, d.db[0]), rows(dr1, d.db[1]), rows(dr2, d.db[2]), rows(dr3, d.db[3]), rows(dr6, d.dr6), rows(dr7, d.dr7);
}

}  // namespace tsbhyve::kvm
