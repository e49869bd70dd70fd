// SPDX-License-Identifier: BSD-2-Clause
// Code that nobody wrote: translated, it does what tier 1 makes of it, reaches no memory around the guest's, and its
// host code runs nowhere but where it was put.
//
//   hostile_test [FIRST SEED [PROGRAMS]]
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "../differential/random.h"
#include "random_program.h"
#include "tiers.h"

using namespace tsbhyve;
using tsbhyve::differential::Random;
using tsbhyve::test::code_at;
using tsbhyve::test::LongGuest;
using tsbhyve::test::RandomProgram;
using tsbhyve::test::require;

namespace {

constexpr std::int64_t length = 60'000;  // instructions of a program that does not end by itself
constexpr std::uint64_t device_pages = 0x80, first_device = 0x20'0000;

TranslatorOptions at_once() {
  TranslatorOptions options = tsbhyve::test::eager_translator();
  options.heat = 0;
  return options;
}

/// A working program with some bytes changed, or nothing but chance.
std::vector<int> hostile_code(Random& random, std::uint64_t seed) {
  std::vector<int> code = RandomProgram(seed).make(static_cast<RandomProgram::Kind>(random.below(3)));
  const std::uint32_t changes = random.chance(8) ? 2000 : 1 + random.below(8);
  for (std::uint32_t i = 0; i < changes; i++)
    code[random.below(static_cast<std::uint32_t>(code.size()))] = random.byte();
  return code;
}

/// Addresses of RAM and around it, of devices, and of nothing.
std::uint64_t hostile_value(Random& random) {
  switch (random.below(6)) {
    case 0: return random.next();
    case 1: return 0x10'0000 - random.below(32);
    case 2: return (device_pages << 12) + random.below(0x4000);
    case 3: return 0x0000'7fff'ffff'fff0 + random.below(32);
    case 4: return std::uint64_t{0} - random.below(64);
    default: return random.below(0x10'0000);
  }
}

/// The same guest each time, between pages that nobody may touch.
class HostileGuest {
 public:
  HostileGuest(std::uint64_t seed, const TranslatorOptions& options)
      : random_(seed), guest_(hostile_code(random_, seed), options) {
    for (std::uint64_t page = 0; page < 4; page++) {
      const std::uint64_t entry = (first_device + (page << 12)) | 0x67, at = 0x6000 + (device_pages + page) * 8;
      for (std::uint64_t i = 0; i < 8; i++) guest_.byte(at + i) = static_cast<std::uint8_t>(entry >> (8 * i));
    }
    for (const Register which : {Register::rax, Register::rcx, Register::rdx, Register::rbx, Register::rbp,
                                 Register::rsi, Register::rdi, Register::r8, Register::r12, Register::r13})
      guest_.set(which, hostile_value(random_));
  }

  bool run_to(std::int64_t end) { return tsbhyve::test::goes_on_to(guest_, end); }
  std::vector<std::uint8_t> everything() { return guest_.everything(); }
  soft::Translator* translator() { return guest_.vcpu->cpu()->translator; }

 private:
  Random random_;
  void* const above_ = guard();
  LongGuest guest_;
  void* const below_ = guard();

  static void* guard() { return mmap(nullptr, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
};

void does_the_same(std::uint64_t seed) {
  HostileGuest plain(seed, tsbhyve::test::translator_off()), translated(seed, at_once());
  Random random(seed ^ 0x5eed);
  for (std::int64_t end = 0; end < length;) {
    end += 1 + random.below(20'000);
    const bool goes_on = plain.run_to(end);
    require(translated.run_to(end) == goes_on && plain.everything() == translated.everything(),
            "seed " + std::to_string(seed) + " differs by instruction " + std::to_string(end));
    if (!goes_on) return;
  }
}

#if defined(__x86_64__) && defined(__linux__)

soft::Translator* watched = nullptr;
std::uint64_t code_start, code_end, steps_inside, strays;

/// After each instruction of the host.
void on_step(int, siginfo_t*, void* where) {
  const auto rip = static_cast<std::uint64_t>(static_cast<ucontext_t*>(where)->uc_mcontext.gregs[REG_RIP]);
  if (rip < code_start || rip >= code_end) return;
  steps_inside++;
  if (!watched->owns(reinterpret_cast<const void*>(rip))) strays++;
}

void find_code_memory() {
  FILE* const maps = std::fopen("/proc/self/maps", "r");
  char line[512];
  while (std::fgets(line, sizeof line, maps)) {
    unsigned long long start, end;
    char rights[8];
    if (std::sscanf(line, "%llx-%llx %7s", &start, &end, rights) != 3) continue;
    if (std::strstr(line, "tsbhyve-code") && rights[2] == 'x') code_start = start, code_end = end;
  }
  std::fclose(maps);
}

void step_host(bool on) {
  if (on)
    asm volatile("lea -128(%%rsp), %%rsp; pushfq; orq $0x100, (%%rsp); popfq; lea 128(%%rsp), %%rsp" ::
                     : "cc", "memory");
  else
    asm volatile("lea -128(%%rsp), %%rsp; pushfq; andq $~0x100, (%%rsp); popfq; lea 128(%%rsp), %%rsp" ::
                     : "cc", "memory");
}

void stays_where_it_was_put() {
  struct sigaction action {};
  action.sa_sigaction = on_step;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &action, nullptr);
  for (std::uint64_t seed = 1; seed <= 12; seed++) {
    HostileGuest guest(seed, at_once());
    watched = guest.translator();
    find_code_memory();
    if (!guest.run_to(2000)) continue;
    step_host(true);
    guest.run_to(3500);
    step_host(false);
  }
  require(steps_inside > 10'000, "host code hardly ran: " + std::to_string(steps_inside));
  require(strays == 0, std::to_string(strays) + " instructions ran outside of any region");
}

#endif

}  // namespace

int main(int count, char** arguments) {
  const std::uint64_t first = count > 1 ? std::strtoull(arguments[1], nullptr, 0) : 1;
  const std::uint64_t programs = count > 2 ? std::strtoull(arguments[2], nullptr, 0) : 200 / ::test::small_work_divisor;
  for (std::uint64_t seed = first; seed < first + programs; seed++) does_the_same(seed);
#if defined(__x86_64__) && defined(__linux__)
  stays_where_it_was_put();
#endif
  return 0;
}
