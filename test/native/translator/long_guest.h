// SPDX-License-Identifier: BSD-2-Clause
// The small guest in 64-bit mode, with the first MiB mapped onto itself.
#pragma once

#include <span>

#include "../soft/guest.h"

namespace tsbhyve::test {

inline constexpr std::uint64_t code_at = 0x10000, data_at = 0x40000, stack_at = 0x60000;

inline TranslatorOptions translator_off() {
  TranslatorOptions options;
  options.mode = TranslatorMode::Off;
  return options;
}

/// Nearly everything is translated, into memory that is used again and again.
inline TranslatorOptions eager_translator() {
  TranslatorOptions options;
  options.heat = 1;
  options.code_bytes = std::uint64_t{64} << 10;
  return options;
}

class LongGuest : public Guest {
 public:
  LongGuest(const std::vector<int>& code, const TranslatorOptions& translator, std::size_t most_blocks = 0)
      : Guest(code, options_of(translator, most_blocks)) {
    write(code_at, code);
    const auto entry = [this](std::uint64_t at, std::uint64_t value) {
      for (std::uint64_t i = 0; i < 8; i++) byte(at + i) = static_cast<std::uint8_t>(value >> (8 * i));
    };
    entry(0x3000, 0x4067);
    entry(0x4000, 0x5067);
    entry(0x5000, 0x6067);
    for (std::uint64_t page = 0; page < 256; page++) entry(0x6000 + page * 8, page << 12 | 0x67);
    // Every vector leads to HLT.
    write(0x500, {0xf4});
    for (std::uint64_t vector = 0; vector < 256; vector++) {
      entry(0x7000 + vector * 16, 0x0000'8e00'0008'0500);
      entry(0x7000 + vector * 16 + 8, 0);
    }
    entry(0x708, 0x00af'9b00'0000'ffff);
    std::vector<std::uint64_t> values(register_count);
    vcpu->get_registers(RegisterGroup::All, values);
    const auto put = [&values](Register which, std::uint64_t value) {
      values[static_cast<std::size_t>(which)] = value;
    };
    put(Register::cr0, 0x80010033);
    put(Register::cr3, 0x3000);
    put(Register::cr4, 0x6a0);
    put(Register::efer, 0xd00);
    put(Register::gdtr_base, 0x700);
    put(Register::gdtr_limit, 15);
    put(Register::idtr_base, 0x7000);
    put(Register::idtr_limit, 0xfff);
    put(Register::cs_selector, 8);
    put(Register::cs_base, 0);
    put(Register::cs_limit, 0xffffffff);
    put(Register::cs_attributes, 0xa09b);
    put(Register::rip, code_at);
    put(Register::rsp, stack_at);
    vcpu->set_registers(RegisterGroup::All, values);
  }

  /// `code` handles an exception in place of HLT, on the stack that was in use or on one of its own.
  void handle(std::uint64_t vector, std::span<const std::uint8_t> code, bool on_own_stack) {
    write(handler_at, {code.begin(), code.end()});
    write(0x7000 + vector * 16, {handler_at & 0xff, handler_at >> 8, 8, 0, on_own_stack ? 1 : 0, 0x8e, 0, 0});
    if (!on_own_stack) return;
    write(tss_at + 0x24, {0, 0, own_stack_at >> 16});  // IST1
    set(Register::tr_selector, 0x10);
    set(Register::tr_base, tss_at);
    set(Register::tr_limit, 0x67);
    set(Register::tr_attributes, 0x808b);
  }

 private:
  static constexpr int handler_at = 0x540, tss_at = 0x800, own_stack_at = 0x70000;

  static EngineOptions options_of(const TranslatorOptions& translator, std::size_t most_blocks) {
    EngineOptions options = virtual_clock(1);
    options.translator = translator;
    options.most_blocks = most_blocks;
    return options;
  }
};

}  // namespace tsbhyve::test
