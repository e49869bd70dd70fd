// SPDX-License-Identifier: BSD-2-Clause
#include "smp_guest.h"

namespace tsbhyve::test {

namespace {

constexpr std::uint64_t boot_at = 0x8000, level4_at = 0x1000, level3_at = 0x2000, low_at = 0x3000, high_at = 0x4000;
constexpr std::uint32_t end_port = 0x10;

}  // namespace

// From real mode at 8000h to the code of the test. The vCPU that is number 0 sends the others here.
asm(R"(
.pushsection .rodata
.intel_syntax noprefix
smp_boot_begin:
.code16
  cli
  xor ax, ax
  mov ds, ax
  lgdt [smp_gdtr - smp_boot_begin + 0x8000]
  mov eax, cr4
  or eax, 0x620
  mov cr4, eax
  mov eax, 0x1000
  mov cr3, eax
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x100
  wrmsr
  mov eax, 0x80000011
  mov cr0, eax
  .byte 0x66, 0xea
  .long smp_long - smp_boot_begin + 0x8000
  .word 8
.code64
smp_long:
  mov ax, 16
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov r15d, 0xfee00000
  mov edi, [r15 + 0x20]
  shr edi, 24
  mov eax, edi
  shl eax, 12
  lea rsp, [rax + 0x71000]
  mov dword ptr [r15 + 0xf0], 0x1ff
  lidt [rip + smp_idtr]
  test edi, edi
  jnz 1f
  mov dword ptr [r15 + 0x300], 0xc4500
  mov dword ptr [r15 + 0x300], 0xc4608
1:
  mov ebx, 0x20000
  lock inc dword ptr [rbx + 8]
  mov esi, [rbx]
  mov edx, [rbx + 4]
2:
  pause
  cmp [rbx + 8], esi
  jne 2b
  mov ebx, 0x21000
  mov eax, 0x10000
  sti
  call rax
  lock inc dword ptr [0x2000c]
  test edi, edi
  jnz 4f
3:
  pause
  mov eax, [0x20000]
  cmp [0x2000c], eax
  jne 3b
  out 0x10, al
4:
  cli
  hlt
  jmp 4b
.balign 8
smp_gdt:
  .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
smp_gdtr:
  .word 23
  .long smp_gdt - smp_boot_begin + 0x8000
smp_idtr:
  .word 0xfff
  .quad 0x7000
smp_boot_end:
.att_syntax
.popsection
)");
extern "C" const std::uint8_t smp_boot_begin[], smp_boot_end[];

SmpGuest::SmpGuest(std::uint32_t vcpus, const GuestCode& code, std::uint32_t rounds, Tier tier)
    : vcpus_(vcpus), tier_(tier) {
  open_machine();
  const auto copy = [this](std::uint64_t at, const std::uint8_t* begin, const std::uint8_t* end) {
    std::memcpy(memory() + at, begin, static_cast<std::size_t>(end - begin));
  };
  copy(boot_at, smp_boot_begin, smp_boot_end);
  copy(code_at, code.begin, code.end);
  constexpr std::uint64_t present = 3, large = 0x83;
  put(level4_at, level3_at | present);
  put(level3_at, low_at | present);
  put(level3_at + 3 * 8, high_at | present);
  put(low_at, 0x5000 | present);
  for (std::uint64_t page = 0; page < 512; page++) put(0x5000 + page * 8, page << 12 | present);
  put(0x5000 + (window >> 12) * 8, window_page | present);
  put(high_at + (0xfee00000 >> 21 & 511) * 8, 0xfee00000 | large);
  // Every interrupt leads to `smp_interrupt` of the test, 800h into its code.
  for (std::uint64_t vector = 0; vector < 256; vector++) {
    const std::uint64_t handler = code_at + 0x800;
    put(0x7000 + vector * 16, (handler & 0xffff) | 8 << 16 | std::uint64_t{0x8e00} << 32 | (handler >> 16) << 48);
  }
  put(parameters_at, vcpus, 4);
  put(parameters_at + 4, rounds, 4);
  engine->memory_written(0, 1 << 20);

  std::vector<std::uint64_t> values(register_count);
  engine->vcpu(0).get_registers(RegisterGroup::All, values);
  values[static_cast<std::size_t>(Register::cs_selector)] = 0;
  values[static_cast<std::size_t>(Register::cs_base)] = 0;
  values[static_cast<std::size_t>(Register::rip)] = boot_at;
  engine->vcpu(0).set_registers(RegisterGroup::All, values);
  engine->hold_time(false);
}

void SmpGuest::open_machine() {
  ram = std::make_unique<GuestRam>();
  ram->add_segment(0, 2 << 20, false);
  EngineOptions options;
  options.vcpus = vcpus_;
  options.translator.mode = tier_ == Tier::Translated ? TranslatorMode::On : TranslatorMode::Off;
  engine = std::make_unique<soft::SoftEngine>(ram.get(), options);
}

bool SmpGuest::step(std::int64_t nanoseconds) {
  const std::int64_t now = engine->time();
  if (!ended_) take(engine->run(nanoseconds < INT64_MAX - now ? now + nanoseconds : INT64_MAX));
  return ended_;
}

void SmpGuest::safepoint() {
  for (Exit exit = engine->safepoint(); exit.kind != ExitKind::None; exit = engine->safepoint()) take(exit);
}

void SmpGuest::take(const Exit& exit) {
  const ExitSlot& slot = engine->vcpu(exit.vcpu).slot;
  switch (exit.kind) {
    case ExitKind::None:
    case ExitKind::Woken:
    case ExitKind::Deadline: return;
    case ExitKind::PortWrite: ended_ = ended_ || slot.address == end_port; return;
    default:
      require(false, "exit " + std::to_string(static_cast<unsigned>(exit.kind)) + " of vCPU " +
                         std::to_string(exit.vcpu) + " at " + std::to_string(slot.rip));
  }
}

void SmpGuest::move_to_new_machine() {
  const std::unique_ptr<GuestRam> old_ram = std::move(ram);
  const std::unique_ptr<soft::SoftEngine> old = std::move(engine);
  tier_ = tier_ == Tier::Translated ? Tier::Handlers : Tier::Translated;
  open_machine();
  std::memcpy(memory(), old_ram->segments().front().host, old_ram->segments().front().length);
  engine->memory_written(0, 2 << 20);
  for (std::uint32_t index = 0; index < vcpus_; index++) {
    VcpuEngine &from = old->vcpu(index), &to = engine->vcpu(index);
    std::vector<std::uint64_t> values(register_count);
    from.get_registers(RegisterGroup::All, values);
    to.set_registers(RegisterGroup::All, values);
    to.set_msrs(from.get_msrs());
    to.set_xsave(from.get_xsave());
    to.set_lapic(from.get_lapic());
    to.set_private(from.get_private());
  }
  engine->set_shared(old->get_shared());
  engine->set_time(old->time());
  engine->hold_time(false);
}

}  // namespace tsbhyve::test
