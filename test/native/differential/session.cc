// SPDX-License-Identifier: BSD-2-Clause
#include "session.h"

#include <cstdio>

#include "allowed_intel.h"
#include "compare.h"
#include "generate.h"
#include "host.h"
#include "soft/decode/registers_changed.h"

namespace tsbhyve::differential {

namespace {

constexpr u64 printed_per_name = 3;

std::string hex(const u8* bytes, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; i++) {
    char digits[4];
    std::snprintf(digits, sizeof(digits), "%02x", bytes[i]);
    text += digits;
  }
  return text;
}

std::string inputs(const Case& test) {
  std::string text = "    in:";
  for (const u64 gpr : test.registers.gpr) {
    char word[24];
    std::snprintf(word, sizeof(word), " %llx", static_cast<unsigned long long>(gpr));
    text += word;
  }
  char line[160];
  std::snprintf(line, sizeof(line), " rflags %llx fcw %x fsw %x ftw %x mxcsr %x\n    operand at %llx: ",
                static_cast<unsigned long long>(test.registers.rflags), test.fx.control, test.fx.status, test.fx.valid,
                test.fx.mxcsr, static_cast<unsigned long long>(test.operand_address));
  text += line + hex(test.operand, 32) + "\n";
  if (!test.uses_fx) return text;
  for (u32 i = 0; i < 2; i++)
    text += "    st" + std::to_string(i) + " (little-endian): " + hex(test.fx.st[i], 10) + "\n";
  return text;
}

/// FNV-1a over the canonical result.
void mix(u32& digest, const void* data, size_t size) {
  const u8* bytes = static_cast<const u8*>(data);
  for (size_t i = 0; i < size; i++) digest = (digest ^ bytes[i]) * 0x01000193;
}

void mix(u32& digest, const Case& test, const Result& result) {
  mix(digest, &result.vector, sizeof(result.vector));
  mix(digest, &result.error, sizeof(result.error));
  mix(digest, &result.cr2, sizeof(result.cr2));
  mix(digest, &result.registers.gpr, sizeof(result.registers.gpr));
  mix(digest, &result.registers.rflags, sizeof(u64) * 4);
  mix(digest, &result.registers.selector, sizeof(result.registers.selector));
  mix(digest, result.memory, sizeof(result.memory));
  if (test.uses_fx) mix(digest, &result.fx, sizeof(result.fx));
}

/// False for code that does not end. The tick that tells so may also hit an innocent case, which then runs again.
bool run_on_host(const Case& test, const WindowImage& image, Result& result) {
  host_run(test, image, result);
  if (result.vector == ran_on) host_run(test, image, result);
  return result.vector != ran_on;
}

}  // namespace

std::string name_of(const Batch& batch) {
  return batch.is_block() ? "block" : opcode_name(batch.instructions.front().opcode);
}

Session::Session(bool translated) : host_kind_(test::host_kind()), guest_(translated) {
  if (host_available()) host_start();
  Random random(0);
  for (u8& byte : image_.bytes) byte = random.byte();
}

void Session::run(const Batch& batch, u64 seed, u32 states, Oracle oracle) {
  Random random(seed);
  Case test = batch.test;
  const Guest::Mode unlike = oracle == Oracle::Host ? Guest::Mode::Single : Guest::Mode::Cuts;
  const Guest::Mode mode = random.chance(4) ? unlike : Guest::Mode::Blocks;
  guest_.load(test, image_);
  if (oracle == Oracle::Host) host_load(test, image_);
  Result expected, got;
  for (u32 i = 0; i < states; i++) {
    draw_state(batch.subject(), random, test);
    if (oracle == Oracle::Itself) {
      guest_.reset_window(image_);
      guest_.run(test, image_, Guest::Mode::Single, expected);
      guest_.reset_window(image_);
    } else if (host_kind_.intel && never_ends_on_intel(batch.subject(), test)) {
      continue;
    } else if (!run_on_host(test, image_, expected)) {
      host_reset_window(image_);
      guest_.reset_window(image_);
      continue;
    }
    guest_.run(test, image_, mode, got);
    cases_++;
    judge(batch, test, expected, got, oracle == Oracle::Host ? host_kind_ : test::recorded_kind);
  }
  if (oracle == Oracle::Host && std::memcmp(host_window(), guest_.window(), sizeof(image_.bytes)) != 0) {
    report_mismatch(batch, "    memory outside the zones\n");
  }
}

void Session::judge(const Batch& batch, const Case& test, Result& expected, Result& got, const HostKind& kind) {
  const Tolerance tolerance = batch.is_block() ? tolerance_of_block(test, expected, got, kind)
                                               : tolerance_of(batch.subject(), test, expected, got, kind);
  // What the two sides wrote may differ by right: the next case finds the same again.
  if (tolerance.memory || tolerance.everything) {
    guest_.reset_window(image_);
    if (host_available()) host_reset_window(image_);
  }
  check_changes(batch, test, got);
  canonicalize(test, batch.subject(), tolerance, expected);
  canonicalize(test, batch.subject(), tolerance, got);
  if (same(test, expected, got)) return;
  report_mismatch(batch, inputs(test) + differences(test, expected, got));
}

/// What the decoder says that an instruction changes, the translator relies on.
void Session::check_changes(const Batch& batch, const Case& test, const Result& got) {
  if (batch.is_block() || test.setting != Setting::Code64) return;
  const u32 told = registers_changed(batch.subject());
  for (u32 i = 0; i < 16; i++) {
    if (told >> i & 1 || got.registers.gpr[i] == test.registers.gpr[i]) continue;
    report_mismatch(batch,
                    "    changes register " + std::to_string(i) + ", of which registers_changed() knows nothing\n");
  }
}

void Session::report_mismatch(const Batch& batch, const std::string& text) {
  mismatches_++;
  const std::string name = name_of(batch);
  if (by_name_[name]++ >= printed_per_name) return;
  const Case& test = batch.test;
  std::printf("%s --setting %s --case %s%s\n", name.c_str(), info_of(test.setting).name,
              hex(test.code, test.length).c_str(), test.start == code_start ? "" : " (at the end of the page)");
  if (batch.is_block()) {
    for (const Instruction& instruction : batch.instructions) std::printf(" %s", opcode_name(instruction.opcode));
    std::printf("\n");
  }
  std::printf("%s", text.c_str());
}

std::optional<u32> Session::digest(const Batch& batch, u64 seed, u32 states, bool of_host) {
  Random random(seed);
  Case test = batch.test;
  if (of_host) {
    host_load(test, image_);
  } else {
    guest_.load(test, image_);
  }
  u32 digest = 0x811c9dc5;
  Result result;
  for (u32 i = 0; i < states; i++) {
    draw_state(batch.subject(), random, test);
    if (of_host) {
      if (!run_on_host(test, image_, result)) return std::nullopt;
    } else {
      guest_.run(test, image_, Guest::Mode::Blocks, result);
    }
    cases_++;
    if (result.vector == ran_on) return std::nullopt;
    const Tolerance tolerance = batch.is_block()
                                    ? tolerance_of_block(test, result, result, test::recorded_kind)
                                    : tolerance_of(batch.subject(), test, result, result, test::recorded_kind);
    if (tolerance.memory) of_host ? host_reset_window(image_) : guest_.reset_window(image_);
    canonicalize(test, batch.subject(), tolerance, result);
    mix(digest, test, result);
  }
  return digest;
}

void Session::summarize() const {
  std::printf("%llu cases, %llu mismatches\n", static_cast<unsigned long long>(cases_),
              static_cast<unsigned long long>(mismatches_));
  for (const auto& [name, count] : by_name_)
    std::printf("  %-12s %llu\n", name.c_str(), static_cast<unsigned long long>(count));
}

}  // namespace tsbhyve::differential
