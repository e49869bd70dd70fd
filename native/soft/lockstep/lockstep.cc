// SPDX-License-Identifier: BSD-2-Clause
#include "soft/lockstep/lockstep.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "soft/soft_vcpu.h"

namespace tsbhyve::soft {

namespace {

std::string hex(u64 value) {
  char text[24];
  std::snprintf(text, sizeof text, "%#llx", static_cast<unsigned long long>(value));
  return text;
}

const char* stop_name(Stop stop) {
  switch (stop) {
    case Stop::Budget: return "budget";
    case Stop::Device: return "device";
    case Stop::Halted: return "halted";
    case Stop::Shutdown: return "shutdown";
    case Stop::Deadline: return "deadline";
    case Stop::Alone: return "alone";
    case Stop::Difference: return "difference";
  }
  return "";
}

}  // namespace

Lockstep::Lockstep(SoftVcpu& vcpu, GuestRam* ram)
    : vcpu_(vcpu), ram_(ram, [&vcpu] { vcpu.mmu().drop_fast_writes(); }) {}

/// Short pieces end in the midst of everything, long ones let code get hot and regions lead to each other.
u64 Lockstep::draw_length() {
  constexpr u64 shortest_scale = 6, scales = 12;
  random_ = random_ * 6364136223846793005 + 1442695040888963407;  // Knuth's MMIX
  const u64 scale = shortest_scale + (random_ >> 59) % scales;
  return 1 + (random_ >> 24 & ((u64{1} << scale) - 1));
}

Lockstep::Pass Lockstep::pass(u64 instructions, bool translated) {
  vcpu_.rest_translator(!translated);
  vcpu_.set_budget(instructions);
  const Stop stop = vcpu_.run_tiers();
  return {stop, CpuCopy(vcpu_), ram_.written()};
}

void Lockstep::back_to(const CpuCopy& before, const PageContents& written) {
  ram_.put_back(written, [this](u64 physical) { vcpu_.blocks().written(physical, page_size); });
  before.put_back(vcpu_);
}

Lockstep::Piece Lockstep::run_piece(const CpuCopy& before, u64 instructions) {
  Pass translated = pass(instructions, true);
  back_to(before, translated.written);
  return {pass(instructions, false), std::move(translated)};
}

std::string Lockstep::compare(const Piece& piece) const {
  const auto& [interpreted, translated] = piece;
  std::string text;
  if (interpreted.stop != translated.stop)
    text += std::string("\n  stops for: ") + stop_name(interpreted.stop) + ", " + stop_name(translated.stop);
  text += interpreted.after.differences(translated.after);
  if (u64 physical; ram_.differs(interpreted.written, translated.written, physical))
    text += "\n  memory at " + hex(physical);
  return text;
}

Stop Lockstep::check_piece(u64 instructions) {
  const CpuCopy before(vcpu_);
  Piece piece = run_piece(before, instructions);
  if (!compare(piece).empty()) {
    narrow(before, instructions, std::move(piece));
    return Stop::Difference;
  }
  ram_.keep(piece.interpreted.written);
  agreed_++;
  return piece.interpreted.stop;
}

/// Finds the fewest instructions after which the two differ.
void Lockstep::narrow(const CpuCopy& before, u64 instructions, Piece piece) {
  u64 agreed = 0, rip = before.rip();
  while (instructions - agreed > 1) {
    const u64 middle = agreed + (instructions - agreed) / 2;
    back_to(before, piece.interpreted.written);
    Piece shorter = run_piece(before, middle);
    if (compare(shorter).empty()) {
      agreed = middle;
      rip = shorter.interpreted.after.rip();
    } else {
      instructions = middle;
    }
    piece = std::move(shorter);
  }
  if (compare(piece).empty()) {
    back_to(before, piece.interpreted.written);
    piece = run_piece(before, instructions);
  }
  difference_ =
      "the translator differs from the interpreter after " + std::to_string(instructions) + " instructions from RIP " +
      hex(before.rip()) + ", the last of them at RIP " + hex(rip) + "; interpreter, translator:" + compare(piece) +
      "\n interpreter:" + piece.interpreted.after.registers() + "\n translator:" + piece.translated.after.registers();
  ram_.forget();
}

Stop Lockstep::run() {
  const u64 end = vcpu_.retired() + static_cast<u64>(std::max<i64>(0, vcpu_.cpu()->budget));
  Stop stop = Stop::Budget;
  // What the device model has answered is finished by tier 1 in any case, and cannot be asked twice.
  if (vcpu_.in_flight()) {
    vcpu_.set_budget(1);
    stop = vcpu_.run_tiers();
  }
  ram_.follow();
  while (stop == Stop::Budget && vcpu_.retired() < end) {
    stop = check_piece(std::min(end - vcpu_.retired(), draw_length()));
  }
  vcpu_.set_budget(end - std::min(end, vcpu_.retired()));
  return stop;
}

}  // namespace tsbhyve::soft
