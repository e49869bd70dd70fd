// SPDX-License-Identifier: BSD-2-Clause
// A soft vCPU's registers, MSRs and FPU image in the contract's forms.
#include <cstdio>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "soft/flags.h"
#include "soft/soft_vcpu.h"
#include "soft/system/model.h"
#include "soft/system/system.h"

namespace tsbhyve::soft {

namespace {

struct Accessor {
  u64 (*get)(const Cpu&);
  void (*set)(Cpu&, u64);
  u64 bits;  // that a value may have
};

template <class T>
void assign(T& field, u64 value) {
  field = static_cast<T>(value);
}

template <class T>
constexpr u64 bits_of = sizeof(T) == 8 ? ~u64{0} : (u64{1} << (sizeof(T) * 8 % 64)) - 1;
template <>
constexpr u64 bits_of<bool> = 1;
template <>
constexpr u64 bits_of<RunState> = 3;

#define FIELD(place)                                                                                                   \
  {                                                                                                                    \
    [](const Cpu& cpu) { return static_cast<u64>(cpu.place); }, [](Cpu& cpu, u64 value) { assign(cpu.place, value); }, \
        bits_of<std::remove_cvref_t<decltype(std::declval<Cpu&>().place)>>                                             \
  }
#define SEGMENT(place) FIELD(place.selector), FIELD(place.base), FIELD(place.limit), FIELD(place.attributes)

u64 get_cr8(const Cpu& cpu) { return cpu.apic->task_priority(); }
/// The task priority has four more bits, which are the APIC's to restore.
void set_cr8(Cpu& cpu, u64 value) {
  if (value != get_cr8(cpu)) cpu.apic->set_task_priority(static_cast<u8>(value));
}
u64 get_rflags(const Cpu& cpu) { return read_rflags(&cpu); }
constexpr u64 rflags_bits = status_flags | rflags::TF | rflags::IF | rflags::DF | rflags::IOPL | rflags::NT |
                            rflags::RF | rflags::VM | rflags::AC | rflags::VIF | rflags::VIP | rflags::ID | 2;
void set_rflags(Cpu& cpu, u64 value) {
  cpu.rflags = value | 2;
  cpu.lazy = {};
}
/// Without XSAVE there are x87 and SSE all the same.
u64 get_xcr0(const Cpu& cpu) { return has_xsave(&cpu) ? cpu.xcr0 : xcr0_x87 | xcr0_sse; }
void set_xcr0(Cpu& cpu, u64 value) { cpu.xcr0 = value | xcr0_x87; }

/// In the order of engine/registers.h.
constexpr Accessor accessors[] = {
    FIELD(gpr[0]),
    FIELD(gpr[1]),
    FIELD(gpr[2]),
    FIELD(gpr[3]),
    FIELD(gpr[4]),
    FIELD(gpr[5]),
    FIELD(gpr[6]),
    FIELD(gpr[7]),
    FIELD(gpr[8]),
    FIELD(gpr[9]),
    FIELD(gpr[10]),
    FIELD(gpr[11]),
    FIELD(gpr[12]),
    FIELD(gpr[13]),
    FIELD(gpr[14]),
    FIELD(gpr[15]),
    FIELD(rip),
    {get_rflags, set_rflags, rflags_bits},
    SEGMENT(segment[ES]),
    SEGMENT(segment[CS]),
    SEGMENT(segment[SS]),
    SEGMENT(segment[DS]),
    SEGMENT(segment[FS]),
    SEGMENT(segment[GS]),
    SEGMENT(ldtr),
    SEGMENT(tr),
    FIELD(gdtr_base),
    FIELD(gdtr_limit),
    FIELD(idtr_base),
    FIELD(idtr_limit),
    FIELD(cr0),
    FIELD(cr2),
    FIELD(cr3),
    FIELD(cr4),
    {get_cr8, set_cr8, 15},
    FIELD(efer),
    {get_xcr0, set_xcr0, 3},
    FIELD(pdpte[0]),
    FIELD(pdpte[1]),
    FIELD(pdpte[2]),
    FIELD(pdpte[3]),
    FIELD(dr[0]),
    FIELD(dr[1]),
    FIELD(dr[2]),
    FIELD(dr[3]),
    FIELD(dr6),
    FIELD(dr7),
    FIELD(run_state),
    FIELD(interrupt_shadow),
    FIELD(debug_shadow),
    FIELD(nmi_pending),
    FIELD(nmi_blocked),
    FIELD(external_interrupt),
    FIELD(init_pending),
    FIELD(sipi_pending),
    FIELD(sipi_vector),
    FIELD(pending_debug),
};
static_assert(std::size(accessors) == register_count);

bool selected(RegisterGroup groups, size_t index) {
  return static_cast<u32>(groups) & static_cast<u32>(register_rows[index].group);
}

void check(size_t index, u64 value) {
  if (!(value & ~accessors[index].bits)) return;
  char text[128];
  std::snprintf(text, sizeof text, "%s: %#llx has other bits than %#llx", register_rows[index].name,
                static_cast<unsigned long long>(value), static_cast<unsigned long long>(accessors[index].bits));
  throw std::invalid_argument(text);
}

/// Privilege level that the segment registers imply (SDM vol. 3, 5.5: SS.DPL follows CPL).
u8 implied_cpl(const Cpu& cpu) {
  if (real_mode(&cpu)) return 0;
  if (virtual8086(&cpu)) return 3;
  return (cpu.segment[SS].attributes >> 5) & 3;
}

}  // namespace

void SoftVcpu::get_registers(RegisterGroup groups, std::span<std::uint64_t> values) {
  settle();
  for (size_t i = 0; i < register_count; i++) {
    if (selected(groups, i)) values[i] = accessors[i].get(*cpu_);
  }
}

void SoftVcpu::set_registers(RegisterGroup groups, std::span<const std::uint64_t> values) {
  for (size_t i = 0; i < register_count; i++) {
    if (selected(groups, i)) check(i, values[i]);
  }
  for (size_t i = 0; i < register_count; i++) {
    if (selected(groups, i)) accessors[i].set(*cpu_, values[i]);
  }
  forget_instruction();
  cpu_->shadow_lifted_at = never_lifted;
  cpu_->cpl = implied_cpl(*cpu_);
  // Nothing but these registers says how addresses are translated, and a TLB is visible.
  if (static_cast<u32>(groups) & static_cast<u32>(RegisterGroup::Control)) mmu_.flush_all(false);
  update_mode(cpu_.get());
}

std::vector<std::pair<std::uint32_t, std::uint64_t>> SoftVcpu::get_msrs() {
  size_t count;
  const u32* indexes = saved_msrs(count);
  std::vector<std::pair<std::uint32_t, std::uint64_t>> values;
  for (size_t i = 0; i < count; i++) {
    u64 value = 0;
    if (msr_read(cpu_.get(), indexes[i], retired(), value)) values.emplace_back(indexes[i], value);
  }
  return values;
}

void SoftVcpu::set_msrs(const std::vector<std::pair<std::uint32_t, std::uint64_t>>& values) {
  for (const auto& [index, value] : values) {
    if (!msr_write(cpu_.get(), index, retired(), value)) {
      char text[96];
      std::snprintf(text, sizeof text, "MSR %#x: this CPU model does not take the value %#llx", index,
                    static_cast<unsigned long long>(value));
      throw std::invalid_argument(text);
    }
  }
}

namespace {

constexpr size_t xsave_bytes = 512 + 64;
constexpr size_t mxcsr_offset = 24, st_offset = 32, xmm_offset = 160, header_offset = 512, compaction_offset = 520;
constexpr u64 x87_component = 1, sse_component = 2;  // XSTATE_BV

template <class T>
void put(std::vector<std::uint8_t>& image, size_t at, T value) {
  __builtin_memcpy(image.data() + at, &value, sizeof value);
}
template <class T>
T get(std::span<const std::uint8_t> image, size_t at) {
  T value;
  __builtin_memcpy(&value, image.data() + at, sizeof value);
  return value;
}

u32 top_of(u16 status) { return (status >> 11) & 7; }

}  // namespace

/// Standard-format XSAVE area: FXSAVE64 layout (SDM vol. 1, table 10-2), then the header.
std::vector<std::uint8_t> SoftVcpu::get_xsave() {
  std::vector<std::uint8_t> image(xsave_bytes);
  const FpuState& fpu = cpu_->fpu;
  put<u16>(image, 0, fpu.control);
  put<u16>(image, 2, fpu.status);
  put<u8>(image, 4, static_cast<u8>(~fpu.empty));
  put<u16>(image, 6, fpu.opcode);
  put<u64>(image, 8, fpu.instruction_pointer);
  put<u64>(image, 16, fpu.data_pointer);
  put<u32>(image, 24, cpu_->mxcsr);
  put<u32>(image, 28, 0xffff);
  for (u32 i = 0; i < 8; i++) {
    const Float80& st = fpu.registers[(top_of(fpu.status) + i) & 7];
    put<u64>(image, st_offset + 16 * i, st.significand);
    put<u16>(image, st_offset + 16 * i + 8, st.sign_exponent);
  }
  for (u32 i = 0; i < 16; i++) {
    put<u64>(image, xmm_offset + 16 * i, cpu_->xmm[i].lane[0]);
    put<u64>(image, xmm_offset + 16 * i + 8, cpu_->xmm[i].lane[1]);
  }
  put<u64>(image, header_offset, 3);  // XSTATE_BV: x87 and SSE
  return image;
}

namespace {

void check_xsave(std::span<const std::uint8_t> image) {
  const auto refuse = [](const char* name, u64 value, const char* accepted) {
    throw std::invalid_argument(std::string("XSAVE image, ") + name + ": " + std::to_string(value) + " is not " +
                                accepted);
  };
  if (image.size() < xsave_bytes) refuse("size", image.size(), "576 bytes or more");
  const u64 components = get<u64>(image, header_offset), compaction = get<u64>(image, compaction_offset);
  if (components & ~(x87_component | sse_component)) refuse("XSTATE_BV", components, "x87 (1) and SSE (2) and no more");
  if (compaction != 0) refuse("XCOMP_BV", compaction, "zero, the standard format");
  const u32 mxcsr = get<u32>(image, mxcsr_offset);
  if (mxcsr & ~0xffffu) refuse("MXCSR", mxcsr, "below 10000h");
}

void load_x87(FpuState& fpu, std::span<const std::uint8_t> image) {
  fpu.control = get<u16>(image, 0);
  fpu.status = get<u16>(image, 2);
  fpu.empty = static_cast<u8>(~get<u8>(image, 4));
  fpu.opcode = get<u16>(image, 6) & 0x7ff;
  fpu.instruction_pointer = get<u64>(image, 8);
  fpu.data_pointer = get<u64>(image, 16);
  for (u32 i = 0; i < 8; i++) {
    fpu.registers[(top_of(fpu.status) + i) & 7] = {get<u64>(image, st_offset + 16 * i),
                                                   get<u16>(image, st_offset + 16 * i + 8)};
  }
}

}  // namespace

/// A component that XSTATE_BV leaves out is in its initial state (SDM vol. 1, 13.8).
void SoftVcpu::set_xsave(std::span<const std::uint8_t> image) {
  check_xsave(image);
  const u64 components = get<u64>(image, header_offset);
  cpu_->fpu = {};
  if (components & x87_component) load_x87(cpu_->fpu, image);
  cpu_->mxcsr = get<u32>(image, mxcsr_offset);
  for (u32 i = 0; i < 16; i++) {
    cpu_->xmm[i] = {};
    if (components & sse_component)
      cpu_->xmm[i] = {{get<u64>(image, xmm_offset + 16 * i), get<u64>(image, xmm_offset + 16 * i + 8)}};
  }
}

}  // namespace tsbhyve::soft
