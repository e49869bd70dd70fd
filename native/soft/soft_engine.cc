// SPDX-License-Identifier: BSD-2-Clause
#include "soft/soft_engine.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "soft/alone.h"
#include "soft/threads/threads.h"
#include "soft/turns.h"

namespace tsbhyve::soft {

namespace {

/// Of host code, for a vCPU and for all: relative jumps reach no further than 2 GiB.
constexpr u64 least_code = u64{64} << 10, most_code = u64{1} << 30;

/// Refuses what the arithmetic of time and paging cannot work with.
const EngineOptions& checked(const EngineOptions& options) {
  const auto refuse = [](const char* name, u64 value, const char* accepted) {
    throw std::invalid_argument(std::string(name) + ": " + std::to_string(value) + " is not " + accepted);
  };
  if (options.nanoseconds_numerator == 0) refuse("numerator", 0, "positive");
  if (options.nanoseconds_denominator == 0) refuse("denominator", 0, "positive");
  if (options.tsc_hz == 0) refuse("tscHz", 0, "positive");
  const u32 bits = options.physical_address_bits;
  if (bits < 32 || bits > 52) refuse("physicalAddressBits", bits, "between 32 and 52");
  if (options.vcpus == 0 || options.vcpus > max_vcpus) refuse("vcpus", options.vcpus, "between 1 and 16");
  const bool lockstep = options.translator.mode == TranslatorMode::Lockstep;
  if (lockstep && options.vcpus > 1) refuse("vcpus", options.vcpus, "1, which the translator's lockstep needs");
  if (lockstep && !options.virtual_clock) refuse("virtualClock", 0, "1, which the translator's lockstep needs");
  if (options.translator.code_bytes / options.vcpus < least_code || options.translator.code_bytes > most_code) {
    refuse("codeBytes", options.translator.code_bytes, "between 64 KiB a vCPU and 1 GiB");
  }
  return options;
}

}  // namespace

Processors::Processors(GuestRam* ram, const EngineOptions& options)
    : time(options.virtual_clock, options.nanoseconds_numerator, options.nanoseconds_denominator) {
  const TranslatorOptions& translator = options.translator;
  if (!translator.perf_map.empty() && translator.mode != TranslatorMode::Off) {
    perf_map = std::make_unique<PerfMap>(translator.perf_map);
  }
  for (u32 index = 0; index < options.vcpus; index++) {
    vcpus.push_back(std::make_unique<SoftVcpu>(index, ram, options, Shared{time, bus, perf_map.get()}));
  }
  at_once = vcpus.size() > 1 && !options.virtual_clock;
  if (at_once) return;  // they tell each other by messages
  for (const auto& vcpu : vcpus) {
    std::vector<Cpu*> others;
    for (const auto& other : vcpus) {
      if (other != vcpu) others.push_back(other->cpu());
    }
    vcpu->set_others(std::move(others));
  }
}

/// None may look at another's caches when those are no more.
Processors::~Processors() {
  for (const auto& vcpu : vcpus) vcpu->set_others({});
}

SoftEngine::SoftEngine(GuestRam* ram, const EngineOptions& options) : ram_(ram), all_(ram, checked(options)) {
  if (options.vcpus == 1) {
    schedule_ = std::make_unique<Alone>(all_);
  } else if (all_.at_once) {
    schedule_ = std::make_unique<Threads>(all_, ram, options.host_cpus);
  } else {
    schedule_ = std::make_unique<Turns>(all_);
  }
}

SoftEngine::~SoftEngine() = default;

Capabilities SoftEngine::capabilities() const {
  const bool is_virtual = all_.time.is_virtual();
  return {"soft", is_virtual, true, true, true, 1'000'000'000, max_vcpus, true, ""};
}

/// On threads VM time is the host's, and what is retired changes all the time.
u64 SoftEngine::retired() const { return all_.at_once ? 0 : all_.retired(); }

std::int64_t SoftEngine::time() const { return static_cast<std::int64_t>(all_.time.at(retired())); }

void SoftEngine::set_time(std::int64_t nanoseconds) {
  if (nanoseconds < 0)
    throw std::invalid_argument("time: " + std::to_string(nanoseconds) + " is not a VM time, which is never negative");
  stand();
  all_.time.set(static_cast<u64>(nanoseconds), retired());
}

/// vCPUs on threads read the time whenever they like.
void SoftEngine::hold_time(bool held) {
  stand();
  all_.time.hold(held);
}

std::int64_t SoftEngine::next_deadline() const {
  u64 next = INT64_MAX;
  if (all_.at_once) return INT64_MAX;  // each sees to its own timer
  for (const auto& vcpu : all_.vcpus) next = std::min(next, vcpu->apic().next_deadline());
  return static_cast<std::int64_t>(next);
}

void SoftEngine::set_external_interrupt(bool level) {
  for (const auto& vcpu : all_.vcpus) vcpu->set_external_interrupt(level);
}

void SoftEngine::set_doorbells(std::function<void(std::uint32_t token)> rung) {
  if (Doorbells* bells = schedule_->doorbells()) bells->set_listener(std::move(rung));
}

void SoftEngine::add_doorbell(bool is_port, std::uint64_t address, std::uint32_t width, std::uint32_t token) {
  if (Doorbells* bells = schedule_->doorbells()) bells->add(is_port, address, width, token);
}

void SoftEngine::remove_doorbell(std::uint32_t token) {
  if (Doorbells* bells = schedule_->doorbells()) bells->remove(token);
}

void SoftEngine::reset() {
  schedule_->forget_exits();
  for (const auto& vcpu : all_.vcpus) vcpu->reset();
  schedule_->reset();
}

void SoftEngine::memory_written(std::uint64_t physical, std::uint64_t length) {
  ram_->for_each_part(physical, length, [this](u64 start, u64 size) {
    if (all_.at_once) return schedule_->memory_written(start, size);
    for (const auto& vcpu : all_.vcpus) vcpu->blocks().written(start, size);
  });
}

/// On threads all of them stand now: whoever takes the log has seen to that.
void SoftEngine::dirty_log_taken() {
  for (const auto& vcpu : all_.vcpus) vcpu->mmu().drop_fast_writes();
}

void SoftEngine::rest_translator(bool resting) {
  stand();
  for (const auto& vcpu : all_.vcpus) vcpu->rest_translator(resting);
}

void SoftEngine::drop_caches() {
  stand();
  for (const auto& vcpu : all_.vcpus) vcpu->drop_caches();
}

}  // namespace tsbhyve::soft
