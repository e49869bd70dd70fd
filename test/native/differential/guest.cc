// SPDX-License-Identifier: BSD-2-Clause
#include "guest.h"

#include <algorithm>

#include "end_of_code.h"
#include "guest_tables.h"
#include "soft/host/rounding.h"
#include "soft/memory/access.h"
#include "soft/run.h"
#include "soft/system/system.h"

namespace tsbhyve::differential {

namespace {

constexpr i64 case_budget = 100'000;
/// Small, so that code memory is used again and again.
constexpr size_t translator_bytes = size_t{1} << 20;
/// A number of instructions that is prime to the lengths of most loops.
constexpr i64 instructions_to_cut = 7;
/// INT 80h, at way_back.
constexpr u8 end_of_case[] = {0xcd, ran_to_end};

/// The frame that an exception pushes (SDM vol. 3, 6.14.2).
struct Frame {
  u64 rip, cs, rflags, rsp, ss;
};

bool pushes_error(u8 vector) {
  constexpr u8 with_error[] = {Vector::DF, Vector::TS, Vector::NP, Vector::SegmentSS,
                               Vector::GP, Vector::PF, Vector::AC};
  return std::find(std::begin(with_error), std::end(with_error), vector) != std::end(with_error);
}

void load_fx(Cpu& cpu, const FxImage& image) {
  cpu.fpu.control = image.control;
  cpu.fpu.status = image.status;
  cpu.fpu.empty = static_cast<u8>(~image.valid);
  cpu.fpu.opcode = image.opcode;
  cpu.fpu.instruction_pointer = image.instruction_pointer;
  cpu.fpu.data_pointer = image.data_pointer;
  cpu.fpu.code_selector = cpu.fpu.data_selector = 0;
  cpu.mxcsr = image.mxcsr;
  const u32 top = image.status >> 11 & 7;
  for (u32 i = 0; i < 8; i++) {
    Float80& to = cpu.fpu.registers[(top + i) & 7];
    std::memcpy(&to.significand, image.st[i], 8);
    std::memcpy(&to.sign_exponent, image.st[i] + 8, 2);
  }
  std::memcpy(cpu.xmm, image.xmm, sizeof(image.xmm));
}

void store_fx(const Cpu& cpu, FxImage& image) {
  image.control = cpu.fpu.control;
  image.status = cpu.fpu.status;
  image.valid = static_cast<u8>(~cpu.fpu.empty);
  image.opcode = cpu.fpu.opcode;
  image.instruction_pointer = cpu.fpu.instruction_pointer;
  image.data_pointer = cpu.fpu.data_pointer;
  image.mxcsr = cpu.mxcsr;
  const u32 top = image.status >> 11 & 7;
  for (u32 i = 0; i < 8; i++) {
    const Float80& from = cpu.fpu.registers[(top + i) & 7];
    std::memcpy(image.st[i], &from.significand, 8);
    std::memcpy(image.st[i] + 8, &from.sign_exponent, 2);
  }
  std::memcpy(image.xmm, cpu.xmm, sizeof(image.xmm));
}

}  // namespace

Guest::Guest(bool translated)
    : cpu_(std::make_unique<Cpu>()),
      mmu_(cpu_.get()),
      apic_((cpu_->platform = this, cpu_.get()), bus_),
      never_fast_(std::make_unique<FastEntry[]>(fast_entries)) {
  u8* const system = ram_.add_segment(system_base, system_pages * page_size, false).host;
  window_ = ram_.add_segment(window_base, window_pages * page_size, false).host;
  code_ = ram_.add_segment(code_base, page_size, false).host;
  std::memcpy(ram_.add_segment(way_back, page_size, false).host, end_of_case, sizeof(end_of_case));
  blocks_ = std::make_unique<BlockCache>(cpu_.get(), &ram_);
  cpu_->mmu = &mmu_;
  cpu_->blocks = blocks_.get();
  cpu_->apic = &apic_;
  cpu_->ram = &ram_;
  cpu_->never_fast = never_fast_.get();
  clear_fast_table(cpu_->never_fast);
  for (auto& table : cpu_->fast_tables) clear_fast_table(table);
  if (translated) translator_ = Translator::create(cpu_.get(), {translator_bytes, 0});
  cpu_->translator = translator_.get();
  reset_cpu(cpu_.get(), false);
  write_tables(system);
  load_system_registers(*cpu_);
}

Guest::~Guest() { cpu_->translator = nullptr; }

void Guest::load(const Case& test, const WindowImage& image) {
  reset_window(image);
  write_code(code_, test);
  blocks_->written(code_base, page_size);
}

void Guest::enter(const Case& test) {
  Cpu& cpu = *cpu_;
  std::memcpy(cpu.gpr, test.registers.gpr, sizeof(test.registers.gpr));
  cpu.rflags = test.registers.rflags;
  cpu.lazy = {};
  cpu.rip = test.registers.rip;
  cpu.cpl = 3;
  cpu.cr2 = 0;
  cpu.run_state = RunState::Running;
  cpu.pending_debug = 0;
  cpu.interrupt_shadow = cpu.debug_shadow = false;
  for (size_t i = 0; i < 6; i++) cpu.segment[i] = segment_for(test.registers.selector[i]);
  if (test.setting == Setting::Code64) {
    cpu.segment[FS].base = test.registers.fs_base;
    cpu.segment[GS].base = test.registers.gs_base;
  }
  update_mode(&cpu);
  if (test.uses_fx) load_fx(cpu, test.fx);
}

void Guest::run(const Case& test, const WindowImage& image, Mode mode, Result& result) {
  prepare_window(window_, image, test);
  enter(test);
  cpu_->retire_limit = 0;
  const u32 host_mxcsr = host::enter_guest_rounding(cpu_->mxcsr);
  if (mode == Mode::Blocks) {
    cpu_->budget = case_budget;
    execute(cpu_.get());
  } else {
    const i64 piece = mode == Mode::Single ? 1 : instructions_to_cut;
    for (i64 left = case_budget; left > 0 && cpu_->run_state == RunState::Running; left -= piece) {
      cpu_->budget = piece;
      execute(cpu_.get());
    }
  }
  host::leave_guest_rounding(host_mxcsr);
  leave(test, result);
  collect_zones(window_, result);
}

/// The case has ended in the stub of its vector, whose frame tells the rest.
void Guest::leave(const Case& test, Result& result) const {
  const Cpu& cpu = *cpu_;
  result.vector = ran_on;
  if (cpu.run_state != RunState::Halted) return;
  result.vector = static_cast<u8>((cpu.rip - stub_base) / stub_stride);
  const u8* at = ram_.host_page(stack_top - 1) + (cpu.gpr[RSP] & page_offset_mask);
  result.error = 0;
  if (pushes_error(result.vector)) {
    std::memcpy(&result.error, at, sizeof(result.error));
    at += 8;
  }
  Frame frame;
  std::memcpy(&frame, at, sizeof(frame));
  std::memcpy(result.registers.gpr, cpu.gpr, sizeof(result.registers.gpr));
  result.registers.gpr[RSP] = frame.rsp;
  result.registers.rip = frame.rip;
  result.registers.rflags = frame.rflags;
  for (size_t i = 0; i < 6; i++) result.registers.selector[i] = cpu.segment[i].selector;
  result.registers.selector[CS] = static_cast<u16>(frame.cs);
  result.registers.selector[SS] = static_cast<u16>(frame.ss);
  result.registers.fs_base = cpu.segment[FS].base;
  result.registers.gs_base = cpu.segment[GS].base;
  result.cr2 = result.vector == Vector::PF ? cpu.cr2 : 0;
  if (result.vector == ran_to_end) {
    result.registers.rip = test.start + test.length - info_of(test.setting).code_offset;
    result.registers.selector[CS] = info_of(test.setting).cs;
  }
  if (test.uses_fx) store_fx(cpu, result.fx);
}

}  // namespace tsbhyve::differential
