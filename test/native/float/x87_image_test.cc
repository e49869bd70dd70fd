// SPDX-License-Identifier: BSD-2-Clause
// State images (FXSAVE, FXRSTOR, the word form of FNSTENV and its relatives), pointers, and the exceptions that come
// before an instruction: #NM, #UD, #MF.
#include <initializer_list>

#include "x87_host_code.h"

namespace {

using namespace tsbhyve::soft;

struct Bytes {
  uint8_t byte[4];
  size_t size;
};

constexpr Bytes fxsave{{0x0F, 0xAE, 0x07}, 3}, fxsave64{{0x48, 0x0F, 0xAE, 0x07}, 4};
constexpr Bytes fxrstor{{0x0F, 0xAE, 0x0F}, 3}, fxrstor64{{0x48, 0x0F, 0xAE, 0x0F}, 4};
constexpr Bytes xsave{{0x0F, 0xAE, 0x27}, 3}, xsave64{{0x48, 0x0F, 0xAE, 0x27}, 4};
constexpr Bytes xrstor{{0x0F, 0xAE, 0x2F}, 3}, xrstor64{{0x48, 0x0F, 0xAE, 0x2F}, 4};
constexpr Bytes fldenv{{0xD9, 0x27}, 2}, fnstenv{{0xD9, 0x37}, 2}, fnsave{{0xDD, 0x37}, 2};
constexpr Bytes fldenv16{{0x66, 0xD9, 0x27}, 3}, fnstenv16{{0x66, 0xD9, 0x37}, 3};
constexpr Bytes frstor16{{0x66, 0xDD, 0x27}, 3}, fnsave16{{0x66, 0xDD, 0x37}, 3};
constexpr Bytes fadd_memory{{0xD8, 0x07}, 2}, fld1{{0xD9, 0xE8}, 2}, fwait{{0x9B}, 1}, emms{{0x0F, 0x77}, 2};
constexpr Bytes fnclex{{0xDB, 0xE2}, 2}, fninit{{0xDB, 0xE3}, 2}, fnstsw{{0xDF, 0xE0}, 2};

class Tester {
 public:
  explicit Tester(test::Report& report) : report_(report) {}

  void require(bool condition, const char* what) {
    if (condition) {
      report_.passed();
    } else {
      report_.failed("%s", what);
    }
  }

  /// Runs one instruction with the operand buffer at [RDI]; the vector raised, or -1.
  int run(const Bytes& bytes) {
    if (!machine.prepare(bytes.byte, bytes.size)) return -2;
    machine.cpu().gpr[RDI] = reinterpret_cast<u64>(operand);
    return machine.run();
  }

  template <class T>
  T field(size_t at) const {
    T value;
    std::memcpy(&value, &operand[at], sizeof value);
    return value;
  }

  test::Machine machine;
  alignas(64) uint8_t operand[640] = {};

 private:
  test::Report& report_;
};

void check_faults(Tester& t) {
  Cpu& cpu = t.machine.cpu();
  const u64 normal = cpu.cr0;
  for (const u64 bit : {cr0::EM, cr0::TS}) {
    cpu.cr0 = normal | bit;
    for (const Bytes& bytes : {fadd_memory, fld1, fnclex, fninit, fnstsw, fnstenv, fxsave, fxrstor}) {
      t.require(t.run(bytes) == 7, "#NM with CR0.EM or CR0.TS");
    }
  }
  cpu.cr0 = normal | cr0::EM;
  t.require(t.run(emms) == 6, "EMMS raises #UD with CR0.EM");
  t.require(t.run(fwait) == -1, "FWAIT ignores CR0.EM");
  cpu.cr0 = (normal | cr0::TS) & ~cr0::MP;
  t.require(t.run(fwait) == -1, "FWAIT ignores CR0.TS without CR0.MP");
  cpu.cr0 = normal | cr0::TS;
  t.require(t.run(fwait) == 7, "FWAIT raises #NM with CR0.TS and CR0.MP");
  cpu.cr0 = normal;
  // A pending, unmasked zero-divide.
  cpu.fpu.control = 0x37B;
  cpu.fpu.status = 0x8084;
  for (const Bytes& bytes : {fadd_memory, fld1, fwait, emms, fldenv}) {
    t.require(t.run(bytes) == 16, "#MF from a waiting instruction");
  }
  t.require(t.run(fnstsw) == -1 && (cpu.gpr[RAX] & 0xFFFF) == 0x8084, "FNSTSW does not wait");
  t.require(t.run(fxsave) == -1, "FXSAVE does not wait");
  cpu.cr0 = normal & ~cr0::NE;
  t.require(t.run(fld1) == -1, "no #MF with CR0.NE clear");
  cpu.cr0 = normal;
  t.require(t.run(fnclex) == -1 && cpu.fpu.status == 0x3800, "FNCLEX clears exceptions and keeps the top");
  t.require(t.run(fninit) == -1 && cpu.fpu.status == 0 && cpu.fpu.control == 0x37F && cpu.fpu.empty == 0xFF, "FNINIT");
}

void set_pointers(FpuState& fpu) {
  fpu.instruction_pointer = 0x1234'5678'9ABC'DEF0;
  fpu.data_pointer = 0x0FED'CBA9'8765'4321;
  fpu.code_selector = 0x1357;
  fpu.data_selector = 0x2468;
  fpu.opcode = 0x5AB;
}

void check_pointers(Tester& t) {
  Cpu& cpu = t.machine.cpu();
  cpu.gpr[17] = 0x7000'1000;
  cpu.segment[CS].selector = 0x33;
  cpu.segment[DS].selector = 0x2B;
  t.run(fadd_memory);
  t.require(cpu.fpu.instruction_pointer == 0x7000'1000 && cpu.fpu.code_selector == 0x33, "FIP and FCS");
  t.require(cpu.fpu.data_pointer == reinterpret_cast<u64>(t.operand) && cpu.fpu.data_selector == 0x2B, "FDP and FDS");
  t.run(fnclex);
  set_pointers(cpu.fpu);
  t.run(fnstsw);
  t.require(cpu.fpu.instruction_pointer == 0x1234'5678'9ABC'DEF0, "control instructions leave FIP");
  t.run(fxsave64);
  t.require(t.field<u64>(8) == 0x1234'5678'9ABC'DEF0 && t.field<u64>(16) == 0x0FED'CBA9'8765'4321, "FXSAVE64 pointers");
  t.require(t.field<u16>(6) == 0x5AB, "FXSAVE opcode");
  t.run(fxsave);
  t.require(t.field<u64>(8) == 0x1357'9ABC'DEF0 && t.field<u64>(16) == 0x2468'8765'4321, "FXSAVE pointers");
  t.run(fnstenv);
  t.require(t.field<u32>(12) == 0x9ABC'DEF0 && t.field<u32>(16) == 0x05AB'1357, "FNSTENV code pointer");
  t.require(t.field<u32>(20) == 0x8765'4321 && t.field<u32>(24) == 0xFFFF'2468, "FNSTENV data pointer");
  t.run(fnstenv16);
  t.require(t.field<u16>(6) == 0xDEF0 && t.field<u16>(8) == 0x1357, "FNSTENV code pointer, words");
  t.require(t.field<u16>(10) == 0x4321 && t.field<u16>(12) == 0x2468, "FNSTENV data pointer, words");
}

// Real-address form: linear addresses beside the opcode (SDM volume 1, figures 8-10 and 8-12).
void check_real_form(Tester& t) {
  Cpu& cpu = t.machine.cpu();
  const u64 normal = cpu.cr0;
  cpu.cr0 &= ~cr0::PE;
  cpu.fpu.instruction_pointer = 0x1234;
  cpu.fpu.code_selector = 0xABCD;
  cpu.fpu.data_pointer = 0x4321;
  cpu.fpu.data_selector = 0x1000;
  cpu.fpu.opcode = 0x5AB;
  t.run(fnstenv);
  t.require(t.field<u32>(12) == 0xFFFF'CF04 && t.field<u32>(16) == 0x0000'A5AB, "real-address FNSTENV, code");
  t.require(t.field<u32>(20) == 0xFFFF'4321 && t.field<u32>(24) == 0x0000'1000, "real-address FNSTENV, data");
  t.run(fldenv);
  t.require(cpu.fpu.instruction_pointer == 0xACF04 && cpu.fpu.opcode == 0x5AB, "real-address FLDENV, code");
  t.require(cpu.fpu.data_pointer == 0x14321, "real-address FLDENV, data");
  t.run(fnstenv16);
  t.require(t.field<u16>(6) == 0xCF04 && t.field<u16>(8) == 0xA5AB, "real-address FNSTENV, words, code");
  t.require(t.field<u16>(10) == 0x4321 && t.field<u16>(12) == 0x1000, "real-address FNSTENV, words, data");
  cpu.cr0 = normal;
}

void check_extended_image(Tester& t) {
  Cpu& cpu = t.machine.cpu();
  t.run(fninit);
  for (u64 i = 0; i < 16; i++) cpu.xmm[i] = {{i + 1, ~i}};
  cpu.mxcsr = 0x3F80;
  t.run(fld1);
  set_pointers(cpu.fpu);
  const FpuState before = cpu.fpu;
  t.run(fxsave64);
  t.require(t.field<u32>(24) == 0x3F80 && t.field<u32>(28) == 0xFFFF, "MXCSR and its mask");
  t.require(t.field<u64>(160 + 15 * 16) == 16 && t.field<u64>(168 + 15 * 16) == ~u64{15}, "XMM15");
  t.require(t.field<u16>(4) == 0x80, "abridged tags");
  t.run(fninit);
  for (Xmm& xmm : cpu.xmm) xmm = {};
  cpu.mxcsr = 0x1F80;
  t.require(t.run(fxrstor64) == -1, "FXRSTOR");
  t.require(cpu.mxcsr == 0x3F80 && cpu.xmm[15].lane[0] == 16 && cpu.xmm[7].lane[1] == ~u64{7}, "FXRSTOR of SSE state");
  t.require(cpu.fpu.status == before.status && cpu.fpu.empty == before.empty && cpu.fpu.opcode == before.opcode &&
                cpu.fpu.instruction_pointer == before.instruction_pointer &&
                cpu.fpu.data_pointer == before.data_pointer &&
                cpu.fpu.registers[7].significand == before.registers[7].significand,
            "FXRSTOR of x87 state");
  t.operand[26] = 1;  // bit 16 of MXCSR
  t.require(t.run(fxrstor64) == 13, "#GP for reserved MXCSR bits");
  t.machine.cpu().cr4 &= ~cr4::OSFXSR;
  t.operand[26] = 0;
  t.operand[160] = 0x55;
  t.run(fxsave64);
  t.require(t.operand[160] == 0x55, "no XMM registers without CR4.OSFXSR");
  t.machine.cpu().cr4 |= cr4::OSFXSR;
}

// SDM volume 1, 13.7 and 13.8: XSTATE_BV is at 512, XCOMP_BV behind it.
void check_xsave(Tester& t) {
  Cpu& cpu = t.machine.cpu();
  std::memset(t.operand, 0, sizeof t.operand);
  cpu.gpr[RAX] = 3;
  t.require(t.run(xsave) == 6 && t.run(xrstor) == 6, "#UD without CR4.OSXSAVE");
  cpu.cr4 |= cr4::OSXSAVE;
  cpu.xcr0 = 3;
  cpu.mxcsr = 0x3F80;
  cpu.xmm[15] = {{15, 51}};
  t.run(fninit);
  t.run(fld1);
  set_pointers(cpu.fpu);
  t.run(fxsave64);
  uint8_t legacy[512];
  std::memcpy(legacy, t.operand, sizeof legacy);
  std::memset(t.operand, 0, sizeof t.operand);
  t.require(t.run(xsave64) == -1 && std::memcmp(t.operand, legacy, sizeof legacy) == 0, "XSAVE of all is FXSAVE's");
  t.require(t.field<u64>(512) == 3 && t.field<u64>(520) == 0, "XSTATE_BV");
  t.run(fninit);
  cpu.xmm[15] = {};
  cpu.mxcsr = 0x1F80;
  cpu.gpr[RAX] = 1;
  t.require(t.run(xrstor64) == -1 && cpu.fpu.empty == 0x7F && cpu.xmm[15].lane[0] == 0 && cpu.mxcsr == 0x1F80,
            "XRSTOR of x87 alone");
  cpu.gpr[RAX] = 3;
  t.require(t.run(xrstor64) == -1 && cpu.xmm[15].lane[1] == 51 && cpu.mxcsr == 0x3F80, "XRSTOR of SSE too");
  t.operand[512] = 0;
  t.require(t.run(xrstor64) == -1 && cpu.fpu.empty == 0xFF && cpu.fpu.control == 0x37F && cpu.xmm[15].lane[1] == 0 &&
                cpu.mxcsr == 0x3F80,
            "XRSTOR of initial states, but for MXCSR");
  cpu.gpr[RAX] = 2;
  t.operand[0] = 0x55;
  t.require(t.run(xsave64) == -1 && t.operand[0] == 0x55 && t.field<u64>(512) == 2, "XSAVE of SSE alone");
  for (const size_t at : {513u, 527u, 528u}) {
    t.operand[at] = 0x80;
    t.require(t.run(xrstor64) == 13, "#GP for a header that is none");
    t.operand[at] = 0;
  }
  cpu.xcr0 = 1;
  t.require(t.run(xrstor64) == 13, "#GP for components that XCR0 has off");
  cpu.xcr0 = 3;
  cpu.cr0 |= cr0::TS;
  t.require(t.run(xsave64) == 7 && t.run(xrstor64) == 7, "#NM");
  cpu.cr0 &= ~cr0::TS;
  cpu.cr4 &= ~cr4::OSXSAVE;
}

#if HOST_RUNS_X87_CODE

using namespace test;

// Pointer words, and what FXSAVE keeps beyond the x87 state.
bool is_compared(const Bytes& bytes, size_t at) {
  if (bytes.byte[0] == 0x66) return at < 6 || at >= 14;
  return at < 6 || (at >= 32 && at < 160);
}

void compare_image(test::Report& report, Random& random, Machine& machine, HostCode& code, const Bytes& bytes) {
  State before = draw_state(random);
  State ours{};
  State host{};
  // A legal MXCSR for FXRSTOR, and no exception that FXRSTOR or FLDENV would leave pending for the test itself.
  const uint32_t mxcsr = 0x1F80;
  std::memcpy(&before.operand[24], &mxcsr, sizeof mxcsr);
  if (!machine.prepare(bytes.byte, bytes.size)) return report.failed("undefined");
  run_engine(machine, before, ours);
  save_engine(machine, ours);
  code.run(bytes.byte, bytes.size, before, host);
  bool same = host.fpu.control == ours.fpu.control && host.fpu.status == ours.fpu.status &&
              host.fpu.tags == ours.fpu.tags && std::memcmp(host.fpu.stack, ours.fpu.stack, sizeof host.fpu.stack) == 0;
  for (size_t i = 0; i < operand_bytes; i++) {
    if (is_compared(bytes, i) && host.operand[i] != ours.operand[i]) same = false;
  }
  if (same) return report.passed();
  report.failed("image of %02x %02x %02x: control %04x status %04x tags %04x on the host, %04x %04x %04x here",
                bytes.byte[0], bytes.byte[1], bytes.byte[2], host.fpu.control, host.fpu.status, host.fpu.tags,
                ours.fpu.control, ours.fpu.status, ours.fpu.tags);
}

void compare_images(test::Report& report, uint64_t count) {
  Random random(0x696D'6167'6521'2121);
  Machine machine;
  HostCode code;
  if (!code.usable()) return;
  for (uint64_t i = 0; i < count; i++) {
    for (const Bytes& bytes : {fxsave, fxsave64, fxrstor, fxrstor64, fldenv16, fnstenv16, frstor16, fnsave16, fnsave}) {
      compare_image(report, random, machine, code, bytes);
    }
  }
}

#else

void compare_images(test::Report&, uint64_t) {
  std::printf("x87 images: comparison skipped, needs an x86-64 Linux host\n");
}

#endif

}  // namespace

int main(int argc, char** argv) {
  test::Report report("x87 images");
  Tester tester(report);
  check_faults(tester);
  check_pointers(tester);
  check_real_form(tester);
  check_extended_image(tester);
  check_xsave(tester);
  compare_images(report, test::rounds(argc, argv, 5'000));
  return report.finish();
}
