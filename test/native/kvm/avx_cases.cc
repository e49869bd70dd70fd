// SPDX-License-Identifier: BSD-2-Clause
// XSAVE images that are longer than x87 and SSE, and a guest that has AVX state when it moves.
#include <cstring>
#include <stdexcept>

#include "../guest_code.h"
#include "guest.h"

namespace test {

namespace {

constexpr std::size_t header = 512, avx_offset = 576, avx_bytes = 256;
constexpr std::uint64_t page_tables = 0x4000, data = 0x3000;

using Rows = std::vector<tsbhyve::CpuidRow>;
constexpr std::uint32_t xsave_and_avx = 1u << 26 | 1u << 28;  // leaf 1 ECX
const Rows rows = {{1, 0, 0, 0, xsave_and_avx, 0}, {0xd, 0, 7, 832, 832, 0}, {0xd, 2, avx_bytes, avx_offset, 0, 0}};

void image_round_trip(const tsbhyve::kvm::Vm& vm) {
  const tsbhyve::kvm::Vcpu vcpu(vm, 0);
  tsbhyve::kvm::set_cpuid(vcpu, 0, rows);
  const tsbhyve::kvm::FpuLayout layout = tsbhyve::kvm::fpu_layout(vm, rows);
  auto image = tsbhyve::kvm::get_fpu(vcpu, layout);
  CHECK_EQUAL(image.size(), avx_offset + avx_bytes);
  image[header] = 7;
  for (std::size_t i = avx_offset; i < image.size(); i++) image[i] = static_cast<std::uint8_t>(i);
  tsbhyve::kvm::set_fpu(vcpu, layout, image);
  CHECK(tsbhyve::kvm::get_fpu(vcpu, layout) == image);
  for (const std::size_t length : {image.size() - 1, image.size() + 64}) {
    try {
      tsbhyve::kvm::set_fpu(vcpu, layout, std::vector<std::uint8_t>(length));
      CHECK(false);
    } catch (const std::invalid_argument&) {
    }
  }
}

/// The place of a component is the processor's.
void other_places(const tsbhyve::kvm::Vm& vm) {
  Rows elsewhere = rows;
  elsewhere[2].ebx = 640;
  try {
    tsbhyve::kvm::fpu_layout(vm, elsewhere);
    CHECK(false);
  } catch (const tsbhyve::EngineError& error) {
    CHECK(error.message ==
          "XSAVE component 2 lies at byte 576 with 256 bytes on this host, the CPU model has it at byte 640 with 256");
  }
}

/// In ring 3, which every /dev/kvm runs natively.
TEST_GUEST_CODE(doubles, "64", R"(
  mov ebx, 0x3000
  vmovups ymm1, [rbx]
  vaddps ymm15, ymm1, ymm1
  out 0x80, al
  vmovups [rbx + 0x40], ymm1
  vmovups [rbx + 0x60], ymm15
  out 0x81, al
)");

void enter_ring_3(Guest& guest) {
  constexpr std::uint64_t user_page = 7, large = 0x80;
  const std::uint64_t entries[] = {(page_tables + 0x1000) | user_page, (page_tables + 0x2000) | user_page,
                                   user_page | large};
  for (std::size_t level = 0; level < 3; level++)
    std::memcpy(guest.ram() + page_tables + 0x1000 * level, &entries[level], sizeof entries[level]);
  auto values = guest.registers();
  const auto put = [&values](Register index, std::uint64_t value) { values[index_of(index)] = value; };
  put(Register::cs_selector, 0x33);
  put(Register::cs_limit, 0xffffffff);
  put(Register::cs_attributes, 0xa0fb);
  put(Register::ss_selector, 0x2b);
  put(Register::ss_limit, 0xffffffff);
  put(Register::ss_attributes, 0xc0f3);
  put(Register::rflags, 0x3002);  // IOPL 3
  put(Register::cr0, 0x80010033);
  put(Register::cr3, page_tables);
  put(Register::cr4, 0x40620);  // PAE, OSFXSR, OSXMMEXCPT, OSXSAVE
  put(Register::efer, 0x500);
  put(Register::xcr0, 7);
  guest.set_registers(values);
}

void guest_moves() {
  Guest guest({}, {.avx = true});
  guest.put(code_address, doubles);
  float numbers[8];
  for (int i = 0; i < 8; i++) numbers[i] = static_cast<float>(i) + 0.5f;
  std::memcpy(guest.ram() + data, numbers, sizeof numbers);
  enter_ring_3(guest);
  guest.expect_out(0x80, 0);
  CHECK_EQUAL(guest.safepoint(), ExitKind::None);
  const auto next = moved(guest, {.avx = true});
  next->expect_out(0x81, 0);
  float seen[16];
  std::memcpy(seen, next->ram() + data + 0x40, sizeof seen);
  for (int i = 0; i < 8; i++) {
    CHECK(seen[i] == numbers[i]);
    CHECK(seen[8 + i] == 2 * numbers[i]);
  }
}

}  // namespace

void avx_cases() {
  const tsbhyve::kvm::Vm vm;
  constexpr std::uint32_t avx_state = 4;
  if (!(tsbhyve::kvm::supported_row(vm, 0xd, 0).eax & avx_state)) {
    std::printf("not tested: this /dev/kvm keeps no AVX state\n");
    return;
  }
  image_round_trip(vm);
  other_places(vm);
  if ((tsbhyve::kvm::supported_row(vm, 1, 0).ecx & xsave_and_avx) == xsave_and_avx)
    guest_moves();
  else
    std::printf("not tested: this /dev/kvm offers its guests no AVX\n");
}

}  // namespace test
