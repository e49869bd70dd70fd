// SPDX-License-Identifier: BSD-2-Clause
// A vCPU that runs single x87 instructions: guest memory is the test's own, linear addresses are host pointers.
#pragma once

#include <csetjmp>
#include <cstring>
#include <memory>

#include "soft/families.h"
#include "soft/leave.h"
#include "soft/memory.h"

namespace test {

namespace soft = tsbhyve::soft;

inline std::jmp_buf fault_return;
inline int fault_vector = -1;

class Machine {
 public:
  Machine() : cpu_(std::make_unique<soft::Cpu>()) {
    soft::add_x87(table_);
    for (auto& table : cpu_->fast_tables) {
      for (size_t slot = 0; slot < soft::fast_entries; slot++) {
        table[slot].read_tag = table[slot].write_tag = soft::never_tag(slot);
      }
    }
    cpu_->fast = cpu_->fast_tables[0];
    cpu_->cr0 = soft::cr0::PE | soft::cr0::NE | soft::cr0::MP;
    cpu_->cr4 = soft::cr4::OSFXSR;
    cpu_->efer = soft::efer::LMA;
    cpu_->segment[soft::CS].attributes |= soft::segment_long;
    cpu_->mode = soft::mode_code64;
  }

  soft::Cpu& cpu() { return *cpu_; }

  /// The handler of an instruction whose memory operand is at [RDI]; null when it is undefined.
  bool prepare(const uint8_t* bytes, size_t size) {
    soft::Instruction instruction;
    if (soft::decode(bytes, size, soft::CodeSize::Bits64, instruction) != soft::DecodeStatus::Ok) return false;
    const soft::Select select = table_.select[static_cast<size_t>(instruction.opcode)];
    if (instruction.opcode == soft::Opcode::Invalid || select == nullptr) return false;
    ops_[0] = {};
    ops_[0].handler = select(instruction, true);
    ops_[0].destination = instruction.operands[0].reg;
    ops_[0].source = instruction.operands[1].reg;
    ops_[0].base = soft::RDI * 8;
    ops_[0].index = soft::zero_slot;
    ops_[0].segment = soft::DS;
    ops_[0].bits = instruction.operand_size == 2 ? soft::op_operand16 : 0;
    if (instruction.operand_size == 8) ops_[0].bits |= soft::op_rex_w;
    ops_[0].length = instruction.length;
    ops_[1] = {};
    ops_[1].handler = [](soft::Cpu*, const soft::Op*) {};
    return true;
  }

  /// The vector raised, or -1.
  int run() {
    fault_vector = -1;
    if (setjmp(fault_return) == 0) ops_[0].handler(cpu_.get(), ops_);
    return fault_vector;
  }

 private:
  soft::HandlerTable table_;
  std::unique_ptr<soft::Cpu> cpu_;
  soft::Op ops_[2]{};
};

}  // namespace test

namespace tsbhyve::soft {

inline void* host_pointer(u64 lin) { return reinterpret_cast<void*>(lin); }

u64 load_slow(Cpu*, const Op*, u64 lin, u32 size, u8) {
  u64 value = 0;
  std::memcpy(&value, host_pointer(lin), size);
  return value;
}

void store_slow(Cpu*, const Op*, u64 lin, u64 value, u32 size, u8) { std::memcpy(host_pointer(lin), &value, size); }

U128 load128_slow(Cpu*, const Op*, u64 lin, u8) {
  U128 value;
  std::memcpy(&value, host_pointer(lin), sizeof value);
  return value;
}

void store128_slow(Cpu*, const Op*, u64 lin, U128 value, u8) { std::memcpy(host_pointer(lin), &value, sizeof value); }

void probe_write(Cpu*, const Op*, u64, u32, u8) {}
void probe_read(Cpu*, const Op*, u64, u32, u8) {}

u64 segment_address(Cpu*, const Op*, u8, u64 offset, u32, bool) { return offset; }

void raise(Cpu*, const Op*, u8 vector) {
  test::fault_vector = vector;
  std::longjmp(test::fault_return, 1);
}

void raise(Cpu* cpu, const Op* op, u8 vector, u32) { raise(cpu, op, vector); }

}  // namespace tsbhyve::soft
