// SPDX-License-Identifier: BSD-2-Clause
// The small guest in 64-bit mode, with the first MiB mapped onto itself.
#pragma once

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
  LongGuest(const std::vector<int>& code, const TranslatorOptions& translator) : Guest(code, options_of(translator)) {
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

 private:
  static EngineOptions options_of(const TranslatorOptions& translator) {
    EngineOptions options = virtual_clock(1);
    options.translator = translator;
    return options;
  }
};

}  // namespace tsbhyve::test
