// SPDX-License-Identifier: BSD-2-Clause
// The local APIC (SDM vol. 3, chapter 10): xAPIC page, x2APIC MSRs, and the timer in all three modes.
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "soft/apic/bus.h"
#include "soft/types.h"

namespace tsbhyve::soft {

struct Cpu;

/// LVT entries in the order of the saved rows.
enum LocalVector : u32 { LvtTimer, LvtThermal, LvtPerformance, LvtLint0, LvtLint1, LvtError, LvtCount };

/// Everything a guest can see of an APIC, and nothing else.
struct ApicState {
  u64 base = 0xfee00000 | 1 << 11;  // IA32_APIC_BASE
  u32 id = 0, task_priority = 0, logical_destination = 0, destination_format = 0xffffffff, spurious = 0xff;
  u32 error_status = 0, error_pending = 0;
  u64 interrupt_command = 0;
  u32 in_service[8] = {}, trigger_mode[8] = {}, request[8] = {};
  u32 lvt[LvtCount] = {0x10000, 0x10000, 0x10000, 0x10000, 0x10000, 0x10000};
  u32 initial_count = 0, divide_configuration = 0;
  u64 timer_start = 0;  // VM time (ns) at which the running count was loaded
  bool timer_running = false;
  u64 tsc_deadline = 0;
  bool external_request = false;  // an ExtINT message waits for the CPU to ask the 8259
  u32 ended_levels[8] = {};       // level-triggered vectors whose EOI the I/O APIC has not been told
};

class LocalApic {
 public:
  /// The first on a bus is the bootstrap processor's. Its id at power-on is cpu->platform's.
  LocalApic(Cpu* cpu, InterruptBus& bus);

  void reset();  // RESET: everything; INIT keeps base and id (init())
  void init();

  u64 base_msr() const { return state_.base; }
  bool write_base_msr(u64 value);        // false: #GP(0)
  bool read_msr(u32 index, u64& value);  // 800h-8FFh, 6E0h; false: #GP(0)
  bool write_msr(u32 index, u64 value);
  u32 read(u32 offset);  // xAPIC page
  void write(u32 offset, u32 value);
  u8 task_priority() const { return static_cast<u8>(state_.task_priority >> 4); }  // CR8
  void set_task_priority(u8 value);

  // For the bus, on the thread of whoever sends.
  /// Whether a message is for this APIC.
  bool hears(Destination to) const;
  bool is_on() const { return heard_.base & (1 << 11); }
  bool takes_lowest_priority() const { return heard_.spurious & 0x100; }
  u8 priority() const { return heard_.priority; }
  void receive(const InterruptMessage& message);

  /// A message has arrived.
  void deliver(u32 delivery_mode, u8 vector, bool level);
  /// Takes the highest request into service. Only while Cpu::apic_interrupt.
  u8 acknowledge();
  bool accepts_external_interrupt() const;
  void external_acknowledged() { state_.external_request = false; }
  bool is_bootstrap() const { return bootstrap_; }
  void start_at(u8 sipi_vector);

  /// VM time of the next timer event, or ~0.
  u64 next_deadline() const;
  /// Fires the timer if it is due at VM time `now`, which is the present.
  void advance(u64 now);
  /// Level-triggered vector whose end must go to the I/O APIC, or -1.
  int take_ended_level();

  std::vector<u64> save() const;
  void load(std::span<const u64> rows);  // throws std::invalid_argument: not a state this APIC can have

 private:
  u32 read_register(u32 index);
  bool write_register(u32 index, u32 value);
  void write_lvt(u32 entry, u32 value);
  void write_spurious(u32 value);
  void send_command(u32 destination, u32 low);
  void accept(u8 vector, bool level);
  void local_interrupt(u32 entry);
  void error(u32 bit);
  void end_of_interrupt();
  void update();
  u64 now() const;
  u64 divisor() const;
  u64 nanoseconds(u64 counts) const;
  u64 counts(u64 nanoseconds) const;
  u64 elapsed() const;
  u32 current_count() const;
  u64 tsc_deadline_time() const;
  void load_count(u32 value);
  bool is_enabled() const { return state_.base & (1 << 11); }
  bool software_enabled() const { return state_.spurious & 0x100; }
  u8 processor_priority() const;
  bool x2() const { return state_.base & (1 << 10); }
  u32 timer_mode() const { return (state_.lvt[LvtTimer] >> 17) & 3; }

  /// What others go by. Derived: update() keeps it.
  struct Heard {
    std::atomic<u64> base;
    std::atomic<u32> id, logical_destination, destination_format, spurious;
    std::atomic<u8> priority;
  };

  Cpu* cpu_;
  InterruptBus& bus_;
  bool bootstrap_;
  ApicState state_;
  Heard heard_{};
};

}  // namespace tsbhyve::soft
