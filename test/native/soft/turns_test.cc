// SPDX-License-Identifier: BSD-2-Clause
// Several vCPUs that take turns: when a turn ends, that nothing else is visible, start-up, messages between local
// APICs, and code that one writes and another runs.
#include <memory>
#include <stdexcept>

#include "../check.h"
#include "engine/guest_ram.h"
#include "engine/lapic_state.h"
#include "soft/soft_engine.h"

using namespace tsbhyve;
using ::test::require;

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::uint64_t turn = soft::turn_length;

/// vCPU n runs from 0:1000h + n * 1000h in real mode.
struct Machine {
  explicit Machine(std::uint32_t vcpus) {
    ram.add_segment(0, 1 << 20, false);
    EngineOptions options;
    options.virtual_clock = true;
    options.vcpus = vcpus;
    engine = std::make_unique<soft::SoftEngine>(&ram, options);
  }

  void start(std::uint32_t vcpu, const Bytes& code) {
    const std::uint64_t at = 0x1000 * (vcpu + 1);
    write(at, code);
    set(vcpu, Register::cs_selector, 0);
    set(vcpu, Register::cs_base, 0);
    set(vcpu, Register::rip, at);
    set(vcpu, Register::rsp, 0x8000);
    set(vcpu, Register::run_state, 0);
  }
  void write(std::uint64_t at, const Bytes& bytes) {
    std::copy(bytes.begin(), bytes.end(), ram.segments().front().host + at);
    engine->memory_written(at, bytes.size());
  }
  std::uint64_t get(std::uint32_t vcpu, Register which) {
    std::vector<std::uint64_t> values(register_count);
    engine->vcpu(vcpu).get_registers(RegisterGroup::All, values);
    return values[static_cast<std::size_t>(which)];
  }
  void set(std::uint32_t vcpu, Register which, std::uint64_t value) {
    std::vector<std::uint64_t> values(register_count);
    engine->vcpu(vcpu).get_registers(RegisterGroup::All, values);
    values[static_cast<std::size_t>(which)] = value;
    engine->vcpu(vcpu).set_registers(RegisterGroup::All, values);
  }
  void set_lapic(std::uint32_t vcpu, LapicRow row, std::uint64_t value) {
    auto rows = engine->vcpu(vcpu).get_lapic();
    rows[static_cast<std::size_t>(row)] = value;
    engine->vcpu(vcpu).set_lapic(rows);
  }
  std::uint64_t requests(std::uint32_t vcpu) {
    std::uint64_t all = 0;
    const auto rows = engine->vcpu(vcpu).get_lapic();
    for (std::size_t i = 0; i < 8; i++) all |= rows[static_cast<std::size_t>(LapicRow::request) + i];
    return all;
  }
  /// To this VM time, in pieces of at most `step`.
  void run_to(std::int64_t time, std::int64_t step = INT64_MAX) {
    while (engine->time() < time) {
      const ExitKind kind = engine->run(std::min(time, engine->time() + std::min(step, time))).kind;
      require(kind == ExitKind::Deadline || kind == ExitKind::None, "nothing but time passes");
    }
  }
  Bytes everything() {
    Bytes all = engine->get_shared();
    for (std::uint32_t index = 0; index < engine->vcpu_count(); index++) {
      std::vector<std::uint64_t> values(register_count);
      engine->vcpu(index).get_registers(RegisterGroup::All, values);
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(values.data());
      all.insert(all.end(), bytes, bytes + 8 * values.size());
      const Bytes own = engine->vcpu(index).get_private();
      all.insert(all.end(), own.begin(), own.end());
    }
    const std::uint8_t* memory = ram.segments().front().host;
    all.insert(all.end(), memory, memory + (1 << 20));
    return all;
  }

  GuestRam ram;
  std::unique_ptr<soft::SoftEngine> engine;
};

const Bytes count = {0x40, 0xeb, 0xfd};                              // l: inc ax; jmp l
const Bytes spin = {0xf3, 0x90, 0xeb, 0xfc};                         // l: pause; jmp l
const Bytes count_in_memory = {0xff, 0x06, 0x00, 0x70, 0xeb, 0xfa};  // l: inc word [7000h]; jmp l
const Bytes halt = {0xf4};

std::uint64_t retired(Machine& machine, std::uint32_t vcpu) { return machine.engine->vcpu(vcpu).instructions(); }

void a_turn_has_its_length() {
  Machine machine(2);
  machine.start(0, count);
  machine.start(1, count);
  machine.run_to(turn);
  require(retired(machine, 0) == turn && retired(machine, 1) == 0, "the first turn is the first vCPU's");
  machine.run_to(2 * turn);
  require(retired(machine, 0) == turn && retired(machine, 1) == turn, "then it is the second's");
  machine.run_to(2 * turn + 5);
  require(retired(machine, 0) == turn + 5, "and so on");
}

void pause_and_hlt_end_a_turn() {
  Machine machine(3);
  machine.start(0, spin);
  machine.start(1, halt);
  machine.start(2, count);
  machine.run_to(turn + 2);
  require(retired(machine, 0) == 1 && retired(machine, 1) == 1 && retired(machine, 2) == turn,
          "one PAUSE, one HLT, and a whole turn");
  machine.run_to(turn + 4);
  require(retired(machine, 0) == 3, "the halted one is left out");
}

void slices_and_caches_are_invisible() {
  const auto run = [](std::int64_t step, bool drops) {
    Machine machine(3);
    machine.start(0, count_in_memory);
    machine.start(1, spin);
    machine.start(2, count);
    for (std::int64_t time = 0; time < 3 * static_cast<std::int64_t>(turn); time = machine.engine->time()) {
      machine.run_to(time + step, step);
      if (drops) machine.engine->drop_caches();
    }
    machine.run_to(4 * turn);
    return machine.everything();
  };
  const Bytes whole = run(4 * turn, false);
  constexpr std::int64_t fewer = test::work_divisor * test::work_divisor;  // to empty a cache takes longest
  for (const std::int64_t step : {1 * fewer, 7 * fewer, std::int64_t{1000}, std::int64_t{19'999}, std::int64_t{20'001}})
    require(run(step, true) == whole, "slices are invisible");
}

void state_comes_back() {
  Machine whole(2), first(2), second(2);
  for (Machine* machine : {&whole, &first}) {
    machine->start(0, count);
    machine->start(1, count_in_memory);
  }
  whole.run_to(3 * turn + 300);
  first.run_to(turn + 77);
  std::copy_n(first.ram.segments().front().host, 1 << 20, second.ram.segments().front().host);
  for (std::uint32_t index = 0; index < 2; index++) {
    std::vector<std::uint64_t> values(register_count);
    first.engine->vcpu(index).get_registers(RegisterGroup::All, values);
    second.engine->vcpu(index).set_registers(RegisterGroup::All, values);
    second.engine->vcpu(index).set_private(first.engine->vcpu(index).get_private());
  }
  const Bytes shared = first.engine->get_shared();
  second.engine->set_shared(shared);
  second.run_to(3 * turn + 300);
  require(second.everything() == whole.everything(), "a restored machine goes on in the same turn");

  const auto refused = [&](const Bytes& bytes) {
    try {
      second.engine->set_shared(bytes);
    } catch (const std::invalid_argument&) {
      return true;
    }
    return false;
  };
  Bytes impossible = shared;
  impossible[32] = 2;  // a vCPU that there is not
  require(refused(impossible), "the turn of nobody");
  impossible = shared;
  impossible[42] = 1;  // 65536 instructions
  require(refused(impossible), "a turn that is too long");
  require(refused({}), "nothing");
  impossible = shared;
  impossible.push_back(0);
  require(refused(impossible), "more than there is");
}

void hlt_comes_when_all_are_halted() {
  Machine machine(2);
  machine.start(0, halt);
  require(machine.engine->run(INT64_MAX).kind == ExitKind::Hlt, "the other waits for SIPI");
  require(machine.engine->vcpu(0).slot.detail == 1, "and nobody can be woken");
  machine.start(1, {0xfb, 0xf4});  // sti; hlt
  const Exit exit = machine.engine->run(INT64_MAX);
  require(exit.kind == ExitKind::Hlt && exit.vcpu == 1 && machine.engine->vcpu(1).slot.detail == 0,
          "one that can be woken is enough");
}

void messages_find_their_processors() {
  Machine machine(4);
  for (std::uint32_t index = 0; index < 4; index++) {
    machine.set_lapic(index, LapicRow::spurious, 0x1ff);
    machine.set_lapic(index, LapicRow::logical_destination, std::uint64_t{1} << (24 + index));
    machine.set_lapic(index, LapicRow::task_priority, 0x40 - 0x10 * index);
  }
  const auto heard = [&machine](std::uint64_t address, std::uint32_t data) {
    machine.engine->send_msi(address, data);
    unsigned who = 0;
    for (std::uint32_t index = 0; index < 4; index++) {
      who |= machine.requests(index) ? 1u << index : 0;
      for (std::uint32_t word = 0; word < 8; word++)
        machine.set_lapic(index, static_cast<LapicRow>(static_cast<std::size_t>(LapicRow::request) + word), 0);
    }
    return who;
  };
  require(heard(0xfee02000, 0x31) == 1u << 2, "physical");
  require(heard(0xfee09000, 0x31) == 0, "nobody has this id");
  require(heard(0xfeeff000, 0x31) == 15, "everybody");
  require(heard(0xfee05004, 0x31) == 5, "a logical set");
  require(heard(0xfee07004, 0x131) == 1u << 2, "the lowest priority of a set");
  require(heard(0xfee0700c, 0x31) == 1u << 2, "a redirected message");
  require(heard(0xfee02008, 0x31) == 1u << 2, "a hint means nothing for a physical id");
}

void sipi_starts_a_processor() {
  Machine machine(2);
  machine.write(0x9000, halt);
  machine.start(0, count);
  machine.engine->send_msi(0xfee01000, 0x609);  // SIPI, as a message
  machine.run_to(10);
  require(retired(machine, 1) == 0, "not in its turn yet");
  machine.run_to(turn + 1);
  require(retired(machine, 1) == 1 && machine.get(1, Register::cs_base) == 0x9000, "it has started at its vector");
  machine.engine->send_msi(0xfee01000, 0x500);  // INIT
  machine.engine->send_msi(0xfee01000, 0x609);
  machine.run_to(2 * turn + 2);
  require(retired(machine, 1) == 2, "a SIPI that follows INIT at once is not lost");
  machine.engine->reset();
  require(machine.get(1, Register::run_state) == 2 && machine.get(0, Register::run_state) == 0,
          "after a reset it waits again");
}

void written_code_is_noticed_everywhere() {
  Machine machine(3);
  const Bytes call = {0xe8, 0xfd, 0x4f, 0xeb, 0xfb};  // l: call 6000h; jmp l, at 1000h
  machine.write(0x6000, {0x40, 0xc3});                // inc ax; ret
  machine.start(0, call);
  machine.start(1, {0xe8, 0xfd, 0x3f, 0xeb, 0xfb});
  machine.run_to(2 * turn);                                // both have it in their caches
  machine.start(2, {0xc6, 0x06, 0x00, 0x60, 0x43, 0xf4});  // mov byte [6000h],43h (inc bx); hlt
  machine.run_to(2 * turn + 2);
  require(machine.ram.segments().front().host[0x6000] == 0x43, "it is written");
  const auto ax = [&](std::uint32_t vcpu) { return machine.get(vcpu, Register::rax); };
  const auto before0 = ax(0), before1 = ax(1);
  machine.run_to(4 * turn + 2);
  require(ax(0) - before0 <= 1 && ax(1) - before1 <= 1, "the old code is not run any more");
  require(machine.get(0, Register::rbx) > 0 && machine.get(1, Register::rbx) > 0, "the new code is");
}

void too_many_are_refused() {
  for (const std::uint32_t vcpus : {0u, 17u}) {
    bool refused = false;
    try {
      Machine machine(vcpus);
    } catch (const std::invalid_argument&) {
      refused = true;
    }
    require(refused, std::to_string(vcpus) + " vCPUs");
  }
}

}  // namespace

int main() {
  a_turn_has_its_length();
  pause_and_hlt_end_a_turn();
  slices_and_caches_are_invisible();
  state_comes_back();
  hlt_comes_when_all_are_halted();
  messages_find_their_processors();
  sipi_starts_a_processor();
  written_code_is_noticed_everywhere();
  too_many_are_refused();
  std::puts("turns: ok");
  return 0;
}
