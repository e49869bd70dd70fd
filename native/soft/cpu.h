// SPDX-License-Identifier: BSD-2-Clause
// Architectural state of one vCPU, and the few derived values that the handlers need at fixed places.
#pragma once

#include <csetjmp>
#include <span>

#include "soft/decode/instruction.h"
#include "soft/flags_state.h"
#include "soft/types.h"

namespace tsbhyve {
class GuestRam;
}

namespace tsbhyve::soft {

struct Op;
struct Block;
struct Link;
struct Region;
class Mmu;
class BlockCache;
class LocalApic;
class Translator;
struct Platform;
class ThreadedCpu;

/// Segment attributes: the VMX access-rights layout (SDM vol. 3, 24.4.1): 0-3 type, 4 S, 5-6 DPL, 7 P, 12 AVL, 13 L, 14
/// D/B, 15 G, 16 unusable. Limits are in bytes, already scaled by G.
struct Segment {
  u64 base = 0;
  u32 limit = 0xffff;
  u32 attributes = 0;
  u16 selector = 0;
};
inline constexpr u32 segment_unusable = 1u << 16, segment_present = 1u << 7, segment_long = 1u << 13,
                     segment_big = 1u << 14;

/// One 128-bit register. Lanes are little-endian; use the typed views of sse/lanes.h.
struct alignas(16) Xmm {
  u64 lane[2] = {0, 0};
};

/// One x87 register as the 80 bits that FSTP stores. MMX registers are the significands (SDM vol. 1, 9.2.1).
struct Float80 {
  u64 significand = 0;
  u16 sign_exponent = 0;
};

struct FpuState {
  Float80 registers[8];  // physical R0-R7; ST(i) is registers[(top + i) & 7], top = status bits 11-13
  u16 control = 0x37f;
  u16 status = 0;
  u8 empty = 0xff;  // bit i set: physical register i is empty (tag 11)
  u16 opcode = 0;   // low 11 bits: FOP
  u64 instruction_pointer = 0, data_pointer = 0;
  u16 code_selector = 0, data_selector = 0;
};

/// What the fast path of loads and stores looks at. Wholly derived from the TLB: may be emptied at any instant.
struct FastEntry {
  u64 read_tag, write_tag;  // linear address of the page, or `never_tag`
  u64 addend;               // host address = linear address + addend
  u64 host_page;            // host address of the page
};
inline constexpr size_t fast_entries = 8192;
/// A page of another slot: none that comes to this one differs from it in the low twelve bits alone.
inline constexpr u64 never_tag(size_t slot) { return u64{slot ^ 1} << 12; }

enum class AccessClass : u8 { Supervisor, SupervisorWithoutUserPages /* SMAP, AC clear */, User, Count };

/// One slot of the indirect-jump cache. Derived: may be emptied at any instant.
struct JumpEntry {
  u64 rip;
  Block* block;
  u32 mode;
  u32 page_serial;  // equals Cpu::code_page_serial of the page, or its translation has gone
  const u8* code;   // of the translator, for the block, or null
};
inline constexpr size_t jump_entries = 65536;
inline constexpr u32 jump_slot(u64 rip) { return static_cast<u32>((rip ^ (rip >> 12)) & (jump_entries - 1)); }
inline constexpr size_t code_pages = 8192;

/// CR0, CR4, EFER and RFLAGS bits by their SDM names.
namespace cr0 {
inline constexpr u64 PE = 1, MP = 2, EM = 4, TS = 8, ET = 16, NE = 32, WP = 1 << 16, AM = 1 << 18, NW = 1 << 29,
                     CD = 1 << 30, PG = u64{1} << 31;
}
namespace cr4 {
inline constexpr u64 VME = 1, PVI = 2, TSD = 4, DE = 8, PSE = 16, PAE = 32, MCE = 64, PGE = 128, PCE = 256,
                     OSFXSR = 512, OSXMMEXCPT = 1024, UMIP = 1 << 11, FSGSBASE = 1 << 16, PCIDE = 1 << 17,
                     OSXSAVE = 1 << 18, SMEP = 1 << 20, SMAP = 1 << 21;
}
namespace efer {
inline constexpr u64 SCE = 1, LME = 1 << 8, LMA = 1 << 10, NXE = 1 << 11;
}
namespace rflags {
inline constexpr u64 TF = 1 << 8, IF = 1 << 9, DF = 1 << 10, IOPL = 3 << 12, NT = 1 << 14, RF = 1 << 16, VM = 1 << 17,
                     AC = 1 << 18, VIF = 1 << 19, VIP = 1 << 20, ID = 1 << 21;
}

/// Exception vectors (SDM vol. 3, table 6-1).
enum Vector : u8 {
  DE = 0,
  DB = 1,
  NMI = 2,
  BP = 3,
  OF = 4,
  BR = 5,
  UD = 6,
  NM = 7,
  DF = 8,
  TS = 10,
  NP = 11,
  SegmentSS = 12,
  GP = 13,
  PF = 14,
  MF = 16,
  AC = 17,
  MC = 18,
  XM = 19
};

struct Fault {
  u8 vector = 0;
  bool has_error = false;
  u32 error = 0;
};

/// Why a handler left its block by escape() instead of returning.
enum class Escape : int {
  Fault = 1,
  Single /* run this instruction again, alone in its block */,
  Alone /* the same, while no other vCPU runs */,
  Exit /* to the device model; the instruction runs again */
};

enum class RunState : u8 { Running, Halted, WaitForSipi, Shutdown };

/// An access that the device model must answer. It is answered once, and the instruction then runs again and finds
/// the answers in order: no handler changes registers before its last memory or port access.
enum class AccessKind : u8 { Memory, Port, Msr, InterruptAcknowledge };
struct DeviceAccess {
  u64 address = 0;  // guest physical address, port or MSR number
  u64 value = 0;
  u8 width = 0;  // bytes
  AccessKind kind = AccessKind::Memory;
  bool is_write = false;
  bool refused = false;  // answer to an MSR access: #GP(0)
};

/// FXSAVE to MMIO makes 64 accesses, a task switch fewer; a longer train reads all ones (device_access.cc).
inline constexpr u32 max_answers = 128;

struct MsrState {
  u64 star = 0, lstar = 0, cstar = 0, sfmask = 0, kernel_gs_base = 0, tsc_aux = 0;
  u64 sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
  u64 pat = 0x0007040600070406;
  u64 misc_enable = 1;  // fast strings
  u64 mtrr_default = 0, mtrr_fixed[11] = {}, mtrr_variable[16] = {};
  u64 tsc_adjust = 0;
  u64 spec_ctrl = 0, platform_info = 0, feature_control = 1, microcode_revision = 0, debug_control = 0;
  u64 mcg_status = 0;
};

/// What translated code keeps beside the registers (translator/). Nothing of it holds between blocks.
struct TranslatedState {
  u64 code_page = 0;                                                    // linear address of the page that runs
  u64 saved_left = 0, saved_right = 0, saved_result = 0, captured = 0;  // of the last flags (flag_recipe.h)
  u64 saved_turned = 0, carry = 0;
  u64 target = 0;                  // of an indirect branch
  u64 stored = 0;                  // what a call to C++ is to store
  u64 places[4] = {};              // host addresses (places.h), zero after calls to C++
  u64 deepest = 0;                 // on the host's stack: where no more calls are noted (thunks.h)
  const Region* region = nullptr;  // while it waits for a call to C++
};

inline constexpr u64 never_lifted = ~u64{0};

struct alignas(64) Cpu {
  /// In a mapping of its own. glibc 2.36 finds no place for megabytes with an alignment where such have been freed, so
  /// a process that makes one machine after the other would grow by each.
  static void* operator new(std::size_t bytes);
  static void operator delete(void* cpu, std::size_t bytes);

  // Byte offsets into this array are the register numbers of an Op. Slot 16 is always zero (no base, no index);
  // slot 17 is the RIP of the first instruction of the running block.
  u64 gpr[18] = {};
  i64 budget = 0;             // instructions that may still be entered before the run loop must look
  FastEntry* fast = nullptr;  // the table of the current access class
  Block* block = nullptr;     // running block
  LazyFlags lazy;
  u64 rflags = 2;    // its six status flags hold only while lazy.kind is Eager
  u64 rip = 0xfff0;  // holds between blocks
  TranslatedState translated;
  u8 cpl = 0;
  u32 mode = 0;  // block.h: Mode bits
  Xmm xmm[16];
  u32 mxcsr = 0x1f80;
  FpuState fpu;

  Segment segment[6];  // by SegmentRegister
  Segment ldtr, tr;
  u64 gdtr_base = 0, idtr_base = 0;
  u16 gdtr_limit = 0xffff, idtr_limit = 0xffff;
  u64 cr0 = 0x60000010, cr2 = 0, cr3 = 0, cr4 = 0, efer = 0;
  u64 dr[4] = {}, dr6 = 0xffff0ff0, dr7 = 0x400;
  u64 xcr0 = 1;
  u64 pdpte[4] = {};
  MsrState msr;

  // Events, all visible to the guest and therefore saved.
  RunState run_state = RunState::Running;
  bool interrupt_shadow = false;  // after STI or a load of SS: the next instruction runs without interrupts
  bool debug_shadow = false;      // after a load of SS: also without #DB traps
  bool nmi_pending = false, nmi_blocked = false;
  bool external_interrupt = false;  // level of the 8259's INTR (through LINT0 in ExtINT mode)
  bool init_pending = false, sipi_pending = false;
  u8 sipi_vector = 0;
  u32 pending_debug = 0;          // DR6 bits of a trap to be taken after the instruction
  bool resume_flag = false;       // RF as the instruction in flight found it
  bool apic_interrupt = false;    // derived: the LAPIC holds a vector above the processor priority
  bool deadline_changed = false;  // derived: the engine must look at the LAPIC timer again
  bool takes_turns = false;       // configuration: PAUSE ends its turn
  bool yielded = false;           // derived: it has; empty whenever the engine is asked for state

  // Time and instruction counting. retired() = retire_limit - budget between blocks.
  u64 retire_limit = 0;
  u64 shadow_lifted_at = never_lifted;  // retired() when STI's shadow was lifted to run what it is cast on (run.cc)

  bool attention_wanted = false;  // derived: attend.h

  // Leaving a block.
  std::jmp_buf escape_point;
  Fault fault;
  const Op* next_op = nullptr;         // only where dispatch is not threaded (op.h)
  const Op* current_op = nullptr;      // set by whatever may escape; null outside blocks
  Link* link = nullptr;                // the branch that wants its target block, for the run loop to fill in
  DeviceAccess access;                 // Escape::Exit: what is asked
  DeviceAccess answered[max_answers];  // answers for the instruction in flight, in order
  u32 answered_count = 0, answered_used = 0;

  u32 code_page_serial[code_pages] = {};
  JumpEntry jumps[jump_entries] = {};
  FastEntry fast_tables[static_cast<size_t>(AccessClass::Count)][fast_entries];
  FastEntry* never_fast = nullptr;  // an empty table: every access takes the slow path (data breakpoints)

  Mmu* mmu = nullptr;
  BlockCache* blocks = nullptr;
  Translator* translator = nullptr;  // null: tier 1 alone
  LocalApic* apic = nullptr;
  Platform* platform = nullptr;
  GuestRam* ram = nullptr;
  ThreadedCpu* threaded = nullptr;  // null: no other vCPU runs at the same time
  std::span<Cpu* const> others;     // that take turns with it: whoever writes code that they have decoded tells them
};

inline constexpr u8 zero_slot = 16 * 8, rip_slot = 17 * 8;

/// Register operand of width T at byte offset `slot` of Cpu::gpr (high-byte registers have odd offsets).
template <class T>
inline T read_gpr(const Cpu* cpu, u8 slot) {
  T value;
  __builtin_memcpy(&value, reinterpret_cast<const u8*>(cpu->gpr) + slot, sizeof(T));
  return value;
}

/// 32-bit writes clear the upper half; 8- and 16-bit writes keep the rest (SDM vol. 1, 3.4.1.1).
template <class T>
inline void write_gpr(Cpu* cpu, u8 slot, T value) {
  u8* at = reinterpret_cast<u8*>(cpu->gpr) + slot;
  if constexpr (sizeof(T) == 4) {
    u64 wide = value;
    __builtin_memcpy(at, &wide, 8);
  } else {
    __builtin_memcpy(at, &value, sizeof(T));
  }
}

enum Gpr : u8 { RAX = 0, RCX = 1, RDX = 2, RBX = 3, RSP = 4, RBP = 5, RSI = 6, RDI = 7 };

inline bool long_mode(const Cpu* cpu) { return (cpu->efer & efer::LMA) != 0; }
inline bool code64(const Cpu* cpu) { return long_mode(cpu) && (cpu->segment[CS].attributes & segment_long); }
inline bool protected_mode(const Cpu* cpu) { return cpu->cr0 & cr0::PE; }
inline bool virtual8086(const Cpu* cpu) { return (cpu->rflags & rflags::VM) != 0; }
inline bool real_mode(const Cpu* cpu) { return !protected_mode(cpu); }

}  // namespace tsbhyve::soft
