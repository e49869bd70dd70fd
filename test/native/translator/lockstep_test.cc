// SPDX-License-Identifier: BSD-2-Clause
// Lockstep changes nothing for a guest, and finds host code that is not what it should be.
#include <cstring>

#include "long_guest.h"
#include "random_program.h"
#include "soft/block_cache.h"
#include "soft/translator/region.h"

using namespace tsbhyve;
using tsbhyve::test::LongGuest;
using tsbhyve::test::RandomProgram;
using tsbhyve::test::require;

namespace {

constexpr std::int64_t long_enough = 100'000'000;

TranslatorOptions lockstep() {
  TranslatorOptions options;
  options.mode = TranslatorMode::Lockstep;
  options.heat = 4;
  return options;
}

std::uint64_t counter(const LongGuest& guest, const std::string& wanted) {
  for (const auto& [name, count] : guest.vcpu->counters()) {
    if (name == wanted) return count;
  }
  return 0;
}

ExitKind run_to_end(LongGuest& guest) {
  for (;;) {
    const ExitKind kind = guest.run(long_enough);
    if (kind != ExitKind::None) return kind;
  }
}

void agrees(std::uint64_t seed) {
  const std::vector<int> code = RandomProgram(seed).make(static_cast<RandomProgram::Kind>(seed % 3));
  LongGuest plain(code, tsbhyve::test::translator_off()), compared(code, lockstep());
  const ExitKind kind = run_to_end(compared);
  require(kind == ExitKind::Hlt, "seed " + std::to_string(seed) + ": " + compared.vcpu->error_text());
  require(run_to_end(plain) == kind && plain.everything() == compared.everything(),
          "seed " + std::to_string(seed) + " ends elsewhere in lockstep");
  require(counter(compared, "piecesInLockstep") > 0, "nothing has been compared");
}

/// mov ecx, 200000; top: add rax, 12345678h; mov [40000h], rax; dec ecx; jnz top; hlt
const std::vector<int> counting = {0xb9, 0x40, 0x0d, 0x03, 0, 0x48, 0x05, 0x78, 0x56, 0x34, 0x12, 0x48,
                                   0x89, 0x04, 0x25, 0,    0, 0x04, 0,    0xff, 0xc9, 0x75, 0xee, 0xf4};
constexpr std::uint64_t top = 5;

/// Changes the number that the translated loop adds.
void spoil(LongGuest& guest) {
  const soft::Block* const block = guest.vcpu->blocks().find(tsbhyve::test::code_at + top, guest.vcpu->cpu()->mode);
  require(block && block->region, "the loop has not been translated");
  constexpr std::uint8_t added[] = {0x78, 0x56, 0x34, 0x12};
  void* const at = memmem(block->region->writable, block->region->size, added, sizeof added);
  require(at, "the number is not in the host code");
  *static_cast<std::uint8_t*>(at) = 0x79;
}

void finds_a_difference() {
  LongGuest guest(counting, lockstep());
  guest.run(100'000);
  spoil(guest);
  require(run_to_end(guest) == ExitKind::Error, "nobody has noticed");
  const std::string text = guest.vcpu->error_text();
  const auto tells = [&text](const std::string& what) {
    require(text.find(what) != text.npos, what + " not in " + text);
  };
  tells("the translator differs from the interpreter after ");
  tells("\n  rax: 0x");
  tells("\n  memory at 0x40000");
  tells("\n interpreter:\n  rax ");
  tells("\n translator:\n  rax ");
}

/// What the device model answers is asked for once.
void follows_devices() {
  // mov dx, 80h; mov ecx, 300; top: in al, dx; out dx, al; add ebx, eax; dec ecx; jnz top; hlt
  LongGuest guest({0x66, 0xba, 0x80, 0, 0xb9, 0x2c, 1, 0, 0, 0xec, 0xee, 0x01, 0xc3, 0xff, 0xc9, 0x75, 0xf8, 0xf4},
                  lockstep());
  guest.run_to_halt();
  require(guest.get(Register::rbx) == 300 * 0x5a, "answers got lost");
  require(guest.written.size() == 300 && guest.written.back() == 0x5a, "writes were lost or came twice");
}

}  // namespace

int main() {
#ifndef __x86_64__
  return 0;
#endif
  for (std::uint64_t seed = 1; seed <= 40; seed++) agrees(seed);
  finds_a_difference();
  follows_devices();
  return 0;
}
