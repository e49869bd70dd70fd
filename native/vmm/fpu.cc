// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/fpu.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "vmm/run.h"

namespace tsbhyve::vmm {

namespace {

/// The scratch memory, which linear address 0 leads to: three levels of tables for that, code, data, and the image.
constexpr std::uint64_t page = 0x1000, code_at = 3 * page, data_at = code_at + 0x800, image_at = 4 * page;
constexpr std::uint64_t image_room = ScratchMemory::bytes - image_at;
constexpr std::uint64_t xcr0_at = data_at, size_at = data_at + 8, nmi_at = data_at + 16;
/// What an NMI needs: a way to its handler, and one back.
constexpr std::uint64_t handler_at = code_at + 0x400, gdt_at = code_at + 0xa00, idt_at = code_at + 0xb00,
                        stack_end = code_at + page;
constexpr std::uint64_t gdt[] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff};  // 64-bit code, data
constexpr std::size_t nmi_vector = 2, gate_bytes = 16;

/// Nobody else's: it leads out of the guest when all is done.
constexpr std::uint16_t end_port = 0xfff0;
constexpr int most_entries = 10'000;

constexpr std::size_t legacy_bytes = 512, header_bytes = 64, smallest_image = legacy_bytes + header_bytes;
constexpr std::uint64_t x87_and_sse = 3;
constexpr std::uint64_t cr4_osxsave = 1 << 18;

/// Bytes of machine code.
class Code {
 public:
  Code& operator()(std::initializer_list<int> bytes) {
    for (const int byte : bytes) bytes_.push_back(static_cast<std::uint8_t>(byte));
    return *this;
  }
  /// An absolute address behind ModRM and SIB bytes that mean one.
  Code& at(std::uint64_t address) {
    for (unsigned i = 0; i < 4; i++) bytes_.push_back(static_cast<std::uint8_t>(address >> (8 * i)));
    return *this;
  }
  std::span<const std::uint8_t> bytes() const { return bytes_; }
  std::span<const std::uint8_t> end() {
    (*this)({0xba}).at(end_port)({0xee});  // mov edx, port; out dx, al
    return bytes_;
  }

 private:
  std::vector<std::uint8_t> bytes_;
};

void put64(std::uint8_t* at, std::uint64_t value) { std::memcpy(at, &value, sizeof value); }
std::uint64_t get64(const std::uint8_t* at) {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// 64-bit code at privilege 0, interrupts off.
std::vector<std::uint64_t> entry_state(bool with_xsave) {
  std::vector<std::uint64_t> values(register_count);
  const auto set = [&values](Register index, std::uint64_t value) { values[row(index)] = value; };
  const auto segment = [&values](Register selector, std::uint64_t number, std::uint64_t attributes) {
    const std::size_t at = row(selector);
    values[at] = number;
    values[at + 2] = 0xffffffff;
    values[at + 3] = attributes;
  };
  segment(Register::cs_selector, 8, 0xa09b);
  for (const Register data : {Register::ss_selector, Register::ds_selector, Register::es_selector,
                              Register::fs_selector, Register::gs_selector})
    segment(data, 16, 0xc093);
  segment(Register::ldtr_selector, 0, 0x10000);
  segment(Register::tr_selector, 24, 0x8b);
  values[row(Register::tr_limit)] = 0xffff;
  set(Register::rip, code_at);
  set(Register::rsp, stack_end);
  set(Register::gdtr_base, gdt_at);
  set(Register::gdtr_limit, sizeof gdt - 1);
  set(Register::idtr_base, idt_at);
  set(Register::idtr_limit, (nmi_vector + 1) * gate_bytes - 1);
  set(Register::rflags, 2);
  set(Register::cr0, 0x80000033);
  set(Register::cr3, ScratchMemory::address);
  set(Register::cr4, 0x620 | (with_xsave ? cr4_osxsave : 0));
  set(Register::efer, 0x500);
  set(Register::dr6, 0xffff0ff0);
  set(Register::dr7, 0x400);
  return values;
}

/// No IF and no CR4.MCE: but for an NMI nothing comes from outside. IRET lets the next one in again, as before it.
void prepare_for_nmi(const ScratchMemory::Mapped& memory) {
  Code handler;
  handler({0xc6, 0x04, 0x25}).at(nmi_at)({0x01, 0x48, 0xcf});  // mov byte [nmi], 1; iretq
  std::copy(handler.bytes().begin(), handler.bytes().end(), memory.at(handler_at));
  std::memcpy(memory.at(gdt_at), gdt, sizeof gdt);
  // An interrupt gate (SDM vol. 3, figure 6-8).
  put64(memory.at(idt_at + nmi_vector * gate_bytes), handler_at | std::uint64_t{8} << 16 | std::uint64_t{0x8e} << 40);
}

}  // namespace

/// False: the processor refuses to be entered.
bool Fpu::run_to_end() {
  struct vm_exit exit {};
  for (int entries = 0; entries < most_entries; entries++) {
    run_vcpu(library_, vcpu_, exit);
    switch (exit.exitcode) {
      case VM_EXITCODE_BOGUS:
      case VM_EXITCODE_DEBUG: continue;
      case VM_EXITCODE_INOUT:
        if (exit.u.inout.port == end_port) return true;
        break;
      // An event that the kernel has made ready for the guest does not go together with this state.
      case VM_EXITCODE_VMX:
      case VM_EXITCODE_SVM: return false;
      default: break;
    }
    break;
  }
  throw EngineError{0, "vmm",
                    "the floating-point registers cannot be reached (exit code " +
                        std::to_string(static_cast<int>(exit.exitcode)) + ")"};
}

bool Fpu::execute(const ScratchMemory::Mapped& memory, std::span<const std::uint8_t> code, bool with_xsave) {
  constexpr std::uint64_t present_writable = 3, large = 0x80, start = ScratchMemory::address;
  std::vector<std::uint64_t> registers(register_count);
  registers_->get(RegisterGroup::All, registers);
  put64(memory.at(0), (start + page) | present_writable);
  put64(memory.at(page), (start + 2 * page) | present_writable);
  put64(memory.at(2 * page), start | large | present_writable);
  std::copy(code.begin(), code.end(), memory.at(code_at));
  prepare_for_nmi(memory);
  memory.written();
  registers_->set(RegisterGroup::All, entry_state(with_xsave));
  bool done = false;
  try {
    done = run_to_end();
  } catch (...) {
    registers_->set(RegisterGroup::All, registers);
    throw;
  }
  registers_->set(RegisterGroup::All, registers);
  nmi_ = nmi_ || *memory.at(nmi_at) != 0;
  return done;
}

/// XSAVE leaves out what XCR0 has off, and SSE works then all the same. A guest that has not set CR4.OSXSAVE has no
/// more than FXSAVE's.
std::optional<FpuState> Fpu::read() {
  const bool with_xsave = registers_->get_one(VM_REG_GUEST_CR4) & cr4_osxsave;
  const ScratchMemory::Mapped memory(scratch_);
  Code code;
  code({0x48, 0x0f, 0xae, 0x04, 0x25}).at(image_at);  // fxsave64
  if (with_xsave) {
    code({0x31, 0xc9, 0x0f, 0x01, 0xd0});                                      // xor ecx, ecx; xgetbv
    code({0x89, 0x04, 0x25}).at(xcr0_at)({0x89, 0x14, 0x25}).at(xcr0_at + 4);  // mov [xcr0], eax, edx
    code({0xb8, 0x0d, 0, 0, 0, 0x31, 0xc9, 0x0f, 0xa2});                       // mov eax, 0dh; xor ecx, ecx; cpuid
    code({0x89, 0x1c, 0x25}).at(size_at);                                      // mov [size], ebx
    code({0xb8, 0xff, 0xff, 0xff, 0xff, 0xba, 0xff, 0xff, 0xff, 0xff});        // mov eax, edx: all components
    code({0x48, 0x0f, 0xae, 0x24, 0x25}).at(image_at);                         // xsave64
  }
  if (!execute(memory, code.end(), with_xsave)) return std::nullopt;
  FpuState state;
  std::uint64_t size = smallest_image;
  if (with_xsave) {
    state.xcr0 = get64(memory.at(xcr0_at));
    size = get64(memory.at(size_at));
    if (size < smallest_image || size > image_room)
      throw EngineError{0, "vmm", "an XSAVE area of " + std::to_string(size) + " bytes is more than can be saved"};
  }
  std::uint8_t* const in_use = memory.at(image_at + legacy_bytes);
  put64(in_use, get64(in_use) | x87_and_sse);
  state.image.assign(memory.at(image_at), memory.at(image_at) + size);
  return state;
}

void Fpu::write(const FpuState& state) {
  if (state.image.size() < smallest_image || state.image.size() > image_room) {
    throw std::invalid_argument("XSAVE image, size: " + std::to_string(state.image.size()) + " is not between " +
                                std::to_string(smallest_image) + " and " + std::to_string(image_room));
  }
  const bool with_xsave = state.xcr0 & ~std::uint64_t{1};
  const ScratchMemory::Mapped memory(scratch_);
  std::copy(state.image.begin(), state.image.end(), memory.at(image_at));
  put64(memory.at(xcr0_at), state.xcr0);
  Code code;
  if (with_xsave) {
    code({0x31, 0xc9, 0x8b, 0x04, 0x25}).at(xcr0_at)({0x8b, 0x14, 0x25}).at(xcr0_at + 4);  // ecx = 0; eax, edx = xcr0
    code({0x0f, 0x01, 0xd1});                                                              // xsetbv
    code({0xb8, 0xff, 0xff, 0xff, 0xff, 0xba, 0xff, 0xff, 0xff, 0xff});
    code({0x48, 0x0f, 0xae, 0x2c, 0x25}).at(image_at);  // xrstor64
  } else {
    code({0x48, 0x0f, 0xae, 0x0c, 0x25}).at(image_at);  // fxrstor64
  }
  if (!execute(memory, code.end(), with_xsave))
    throw EngineError{0, "vmm", "the processor cannot be entered to restore its floating-point registers"};
}

}  // namespace tsbhyve::vmm
