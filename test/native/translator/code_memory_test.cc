// SPDX-License-Identifier: BSD-2-Clause
// Host code keeps to its memory, which is never writable and executable at once, and gives the oldest of it back.
#include <fstream>
#include <sstream>

#include "long_guest.h"
#include "random_program.h"

using namespace tsbhyve;
using tsbhyve::test::code_at;
using tsbhyve::test::LongGuest;
using tsbhyve::test::RandomProgram;
using tsbhyve::test::require;

namespace {

/// Bytes of this process that may be executed and are the translator's.
std::uint64_t runnable_bytes() {
  std::ifstream maps("/proc/self/maps");
  std::uint64_t bytes = 0;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::uint64_t start, end;
    char dash;
    std::string rights;
    words >> std::hex >> start >> dash >> end >> rights;
    const bool writable = rights.find('w') != rights.npos, runnable = rights.find('x') != rights.npos;
    require(!writable || !runnable, "writable and executable: " + line);
    if (runnable && line.find("tsbhyve-code") != line.npos) bytes += end - start;
  }
  return bytes;
}

std::uint64_t counter(const LongGuest& guest, const std::string& wanted) {
  for (const auto& [name, count] : guest.vcpu->counters()) {
    if (name == wanted) return count;
  }
  return 0;
}

/// One program after the other, each on pages of its own.
void stays_within(const TranslatorOptions& options) {
  LongGuest guest({0xf4}, options);
  require(runnable_bytes() == options.code_bytes, "host code may lie elsewhere than it is allowed to");
  constexpr std::uint64_t programs = 40, apart = 0x800;
  for (std::uint64_t n = 0; n < programs; n++) {
    guest.write(code_at + n * apart, RandomProgram(n + 1).make());
    guest.set(Register::rip, code_at + n * apart);
    guest.set(Register::run_state, 0);
    while (guest.run(INT64_MAX) != ExitKind::Hlt) {
    }
    require(counter(guest, "codeBytes") <= options.code_bytes, "there is more host code than its memory holds");
  }
  require(counter(guest, "regions") < counter(guest, "translations"), "all regions are still there");
  require(counter(guest, "evictions") > 0, "nothing was given back");
  runnable_bytes();
}

}  // namespace

int main() {
#if defined(__x86_64__) && defined(__linux__)
  stays_within(tsbhyve::test::eager_translator());
  require(runnable_bytes() == 0, "host code stays behind");
  LongGuest usual({0xf4}, {});
  require(runnable_bytes() == std::uint64_t{64} << 20, "by default there is room for 64 MiB of host code");
#endif
  return 0;
}
