// SPDX-License-Identifier: BSD-2-Clause
// Programs of chance arrive at the same bits on both tiers, wherever they are stopped on the way.
#include "long_guest.h"
#include "random_program.h"

using namespace tsbhyve;
using tsbhyve::test::eager_translator;
using tsbhyve::test::LongGuest;
using tsbhyve::test::RandomProgram;
using tsbhyve::test::require;
using tsbhyve::test::translator_off;

namespace {

using Kind = RandomProgram::Kind;

std::vector<std::uint64_t> registers(LongGuest& guest) {
  std::vector<std::uint64_t> values(register_count);
  guest.vcpu->get_registers(RegisterGroup::All, values);
  return values;
}

void print(const std::vector<int>& code) {
  for (const int byte : code) std::fprintf(stderr, "%02x", static_cast<unsigned>(byte & 0xff));
  std::fprintf(stderr, "\n");
}

enum class Disturbance { None, DropsCaches, RestsNowAndThen };

/// Both tiers, `step` instructions at a time.
void runs_alike(std::uint64_t seed, Kind kind, std::int64_t step, Disturbance disturbance,
                const TranslatorOptions& translator = {}, std::size_t most_blocks = 0) {
  const std::vector<int> code = RandomProgram(seed).make(kind);
  LongGuest plain(code, translator_off()), translated(code, translator, most_blocks);
  for (std::int64_t now = step, stops = 0; stops < 4'000'000; now += step, stops++) {
    const ExitKind first = plain.run(now), second = translated.run(now);
    const bool same = first == second && registers(plain) == registers(translated);
    if (!same || first == ExitKind::Hlt) {
      const bool alike = same && plain.everything() == translated.everything();
      if (!alike) {
        print(code);
        const auto left = registers(plain), right = registers(translated);
        for (std::size_t i = 0; i < left.size(); i++) {
          if (left[i] == right[i]) continue;
          std::fprintf(stderr, "register %zu: %llx, translated %llx\n", i, static_cast<unsigned long long>(left[i]),
                       static_cast<unsigned long long>(right[i]));
        }
      }
      require(alike, "seed " + std::to_string(seed) + " differs after " + std::to_string(now) + " instructions");
      return;
    }
    if (disturbance == Disturbance::DropsCaches && stops % 64 == 0) translated.engine->drop_caches();
    if (disturbance == Disturbance::RestsNowAndThen) translated.engine->rest_translator(stops % 5 < 2);
  }
  require(false, "seed " + std::to_string(seed) + " does not end");
}

/// As on a host that lacks what the translator can do without.
TranslatorOptions on_older_host() {
  TranslatorOptions options = eager_translator();
  options.without_bmi2 = true;
  return options;
}

/// The programs have some forty blocks: room is made all the time, with half of them worth keeping and with all.
constexpr std::size_t few_blocks = 24, fewer_blocks = 5;

}  // namespace

int main(int count, char** arguments) {
  const std::uint64_t first = count > 1 ? std::strtoull(arguments[1], nullptr, 0) : 1;
  const std::uint64_t programs = count > 2 ? std::strtoull(arguments[2], nullptr, 0) : 300 / ::test::small_work_divisor;
  for (std::uint64_t seed = first; seed < first + programs; seed++) {
    runs_alike(seed, Kind::Plain, 1'000'000, Disturbance::None);
    runs_alike(seed, seed % 3 == 0 ? Kind::RewritesItself : Kind::Plain, 997,
               seed % 2 == 0 ? Disturbance::DropsCaches : Disturbance::None);
    runs_alike(seed, Kind::Faults, 1009, Disturbance::RestsNowAndThen, eager_translator());
    if (seed % 8 == 0) runs_alike(seed, Kind::RewritesItself, 13, Disturbance::None);
    if (seed % 8 == 1) runs_alike(seed, Kind::Faults, 1'000'000, Disturbance::None);
    if (seed % 4 == 2) runs_alike(seed, Kind::Faults, 1'000'000, Disturbance::None, on_older_host());
    if (seed % 4 == 3) {
      runs_alike(seed, Kind::RewritesItself, 1013, Disturbance::None, eager_translator(),
                 seed % 8 == 3 ? few_blocks : fewer_blocks);
    }
  }
  return 0;
}
