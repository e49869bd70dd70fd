// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/emulator.h"

#include <cstring>

#include "engine/lapic_state.h"
#include "soft/block.h"
#include "soft/decode/instruction.h"

namespace tsbhyve::vmm {

namespace {

constexpr std::uint64_t paging = std::uint64_t{1} << 31, physical_extension = 1 << 5, long_mode_active = 1 << 10;
constexpr std::uint64_t x87_and_sse = 3;

EngineOptions options() {
  EngineOptions options;
  options.virtual_clock = true;  // one instruction is one nanosecond
  options.physical_address_bits = 52;
  options.translator.mode = TranslatorMode::Off;  // nothing gets hot
  return options;
}

/// AMD's kernel side does not show what Intel's keeps in registers (SDM vol. 3, 4.4.1).
void load_pdptes(const GuestRam& ram, std::span<std::uint64_t> values) {
  const std::uint64_t at = values[row(Register::cr3)] & 0xffffffe0;
  const std::uint8_t* const page = ram.host_page(at);
  for (std::size_t i = 0; page && i < 4; i++)
    std::memcpy(&values[row(Register::pdpte0) + i], page + (at & 4095) + 8 * i, 8);
}

}  // namespace

Emulator::Emulator(GuestRam* ram)
    : engine_(std::make_unique<soft::SoftEngine>(ram, options())),
      ram_(ram),
      before_(register_count),
      after_(register_count) {
  // Its local APIC is the kernel's business: this one answers nothing.
  std::vector<std::uint64_t> lapic = engine_->vcpu(0).get_lapic();
  lapic[static_cast<std::size_t>(LapicRow::base)] = 0xfee00000;
  engine_->vcpu(0).set_lapic(lapic);
}

ExitKind Emulator::begin(std::span<const std::uint64_t> registers) {
  before_.assign(registers.begin(), registers.end());
  after_ = before_;
  after_[row(Register::xcr0)] = x87_and_sse;
  const bool pae = (before_[row(Register::cr0)] & paging) && (before_[row(Register::cr4)] & physical_extension) &&
                   !(before_[row(Register::efer)] & long_mode_active);
  if (pae && before_[row(Register::pdpte0)] == 0) load_pdptes(*ram_, after_);
  engine_->vcpu(0).set_registers(RegisterGroup::All, after_);  // and with them goes all that it knew of translations
  forget_code();
  return step();
}

/// The guest writes code without telling it. All that it has decoded since the last time begins with one instruction.
void Emulator::forget_code() {
  soft::Cpu* const cpu = engine_->vcpu(0).cpu();
  if (cpu->block)
    engine_->memory_written(cpu->block->physical, 1);
  else
    engine_->drop_caches();
  cpu->block = nullptr;  // before it is freed
}

ExitKind Emulator::step() {
  const ExitKind kind = engine_->run(engine_->time() + 1).kind;
  if (kind != ExitKind::Deadline) return kind;
  if (after()[row(Register::pending_debug)] == 0) return ExitKind::None;
  engine_->run(engine_->time() + 1);  // the trap after the instruction
  return ExitKind::None;
}

ExitKind Emulator::go_on() {
  const ExitKind kind = engine_->safepoint().kind;
  if (kind != ExitKind::None || after()[row(Register::pending_debug)] == 0) return kind;
  engine_->run(engine_->time() + 1);
  return ExitKind::None;
}

std::span<const std::uint64_t> Emulator::after() {
  engine_->vcpu(0).get_registers(RegisterGroup::All, after_);
  return after_;
}

bool uses_fpu(const struct vm_exit& exit) {
  const auto& emulated = exit.u.inst_emul;
  const bool wide = emulated.paging.cpu_mode == CPU_MODE_64BIT;
  const auto size = wide ? soft::CodeSize::Bits64 : emulated.cs_d ? soft::CodeSize::Bits32 : soft::CodeSize::Bits16;
  soft::Instruction instruction;
  if (soft::decode(emulated.vie.inst, emulated.vie.num_valid, size, instruction) != soft::DecodeStatus::Ok)
    return false;
  return instruction.opcode >= soft::Opcode::Fadd;  // decode/opcodes.def has them behind all others
}

}  // namespace tsbhyve::vmm
