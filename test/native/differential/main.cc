// SPDX-License-Identifier: BSD-2-Clause
// Differential test of the soft CPU against the CPU it runs on.
//
//   differential [--seed S] [--seconds T | --cases N] [--family F] [--blocks] [--translated]
//   differential --case HEX [--setting 64|32|32seg|16] [--cases N] [--seed S] [--translated]
//   differential --list            forms that chance never makes
//   differential --record FILE | --replay FILE
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "golden.h"
#include "host.h"

namespace {

using namespace tsbhyve::differential;

struct Options {
  u64 seed = 1, cases = 5'000'000, seconds = 0;
  std::string family, setting = "64", code, record_to, replay_from;
  bool blocks = false, list = false, translated = false;
};

constexpr u32 states_per_batch = 32;
constexpr u32 recorded_batches = 40'000;
constexpr int failed = 1, unusable = 2;

[[noreturn]] void refuse(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(unusable);
}

u64 number(const std::string& name, const std::string& text) {
  char* end = nullptr;
  const u64 value = std::strtoull(text.c_str(), &end, 0);
  if (text.empty() || *end) refuse(name + " wants a number, not '" + text + "'");
  return value;
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; i++) {
    const std::string name = arguments[i];
    if (name == "--blocks") {
      options.blocks = true;
      continue;
    }
    if (name == "--translated") {
      options.translated = true;
      continue;
    }
    if (name == "--list") {
      options.list = true;
      continue;
    }
    if (i + 1 == count) refuse(name + " wants a value, or is no option");
    const std::string value = arguments[++i];
    if (name == "--seed")
      options.seed = number(name, value);
    else if (name == "--cases")
      options.cases = number(name, value);
    else if (name == "--seconds")
      options.seconds = number(name, value);
    else if (name == "--family")
      options.family = value;
    else if (name == "--setting")
      options.setting = value;
    else if (name == "--case")
      options.code = value;
    else if (name == "--record")
      options.record_to = value;
    else if (name == "--replay")
      options.replay_from = value;
    else
      refuse("no option " + name);
  }
  return options;
}

/// Until enough cases have run or enough time has passed.
class Limit {
 public:
  explicit Limit(const Options& options) : options_(options) {}
  bool reached(const Session& session) const {
    if (!options_.seconds) return session.cases() >= options_.cases;
    return std::chrono::steady_clock::now() - start_ >= std::chrono::seconds(options_.seconds);
  }

 private:
  const Options& options_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::vector<Form> chosen_forms(const Options& options) {
  std::vector<Form> forms = all_forms();
  if (options.family.empty()) return forms;
  std::erase_if(forms, [&](const Form& form) { return options.family != family_name(family_of(form.opcode)); });
  if (forms.empty())
    refuse("--family is one of integer, branch, string, system, x87, sse; not '" + options.family + "'");
  return forms;
}

void run_singles(Session& session, const Options& options) {
  const std::vector<Form> forms = chosen_forms(options);
  const Limit limit(options);
  for (u64 index = 0; !limit.reached(session); index++) {
    const u64 seed = Random(options.seed * 0x100000000 + index).next();
    Random random(seed ^ 1);
    const std::optional<Batch> batch = draw_single(forms[index % forms.size()], random);
    if (batch) session.run(*batch, seed, states_per_batch, Oracle::Host);
  }
}

void run_blocks(Session& session, const Options& options) {
  const BlockMaker blocks(all_forms());
  const Limit limit(options);
  for (u64 index = 0; !limit.reached(session); index++) {
    const u64 seed = Random(options.seed * 0x100000000 + index).next();
    Random random(seed ^ 1);
    const std::optional<Batch> batch = blocks.draw(random);
    if (!batch) continue;
    session.run(*batch, seed, states_per_batch, Oracle::Itself);
    if (batch->is_exact && host_available()) session.run(*batch, seed, states_per_batch, Oracle::Host);
  }
}

void run_case(Session& session, const Options& options) {
  std::vector<u8> code;
  for (size_t i = 0; i + 1 < options.code.size(); i += 2) {
    code.push_back(static_cast<u8>(number("--case", "0x" + options.code.substr(i, 2))));
  }
  for (size_t i = 0; i < std::size(settings); i++) {
    if (options.setting != settings[i].name) continue;
    const std::optional<Batch> batch = batch_of(static_cast<Setting>(i), code_start, code);
    if (!batch) refuse("--case does not decode");
    std::printf("%s\n", name_of(*batch).c_str());
    session.run(*batch, options.seed, static_cast<u32>(options.cases), batch->is_exact ? Oracle::Host : Oracle::Itself);
    return;
  }
  refuse("--setting is one of 64, 32, 32seg, 16; not '" + options.setting + "'");
}

int list_missing(const Options& options) {
  u64 missing = 0;
  for (const Form& form : chosen_forms(options)) {
    Random random(options.seed);
    if (draw_single(form, random)) continue;
    std::printf("%s\n", describe(form).c_str());
    missing++;
  }
  std::printf("%llu forms are never made\n", static_cast<unsigned long long>(missing));
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const Options options = parse(count, arguments);
  if (options.list) return list_missing(options);
  Session session(options.translated);
  if (!options.replay_from.empty()) {
    if (!replay(session, options.replay_from)) return unusable;
  } else if (options.blocks) {
    run_blocks(session, options);
  } else if (!host_available()) {
    std::printf("skipped: this host is not x86-64 Linux with FSGSBASE; use --replay\n");
    return 0;
  } else if (!options.record_to.empty()) {
    return record(session, options.record_to, options.seed, recorded_batches) ? 0 : unusable;
  } else if (!options.code.empty()) {
    run_case(session, options);
  } else {
    run_singles(session, options);
  }
  session.summarize();
  return session.mismatches() ? failed : 0;
}
