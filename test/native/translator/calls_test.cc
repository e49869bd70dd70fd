// SPDX-License-Identifier: BSD-2-Clause
// CALL and RET, which translated code leaves to the host's own where they belong together: calls deeper than are noted,
// returns to elsewhere, to another stack's caller, to a caller that has been written or mapped anew, and to no address.
#include <pthread.h>

#include "../guest_code.h"
#include "tiers.h"

using namespace tsbhyve;
using tsbhyve::test::LongGuest;
using tsbhyve::test::require;

namespace {

constexpr std::uint64_t faults_at = 0x48000;
constexpr std::uint64_t caller_at = 0x15000, other_caller_at = 0x16000, rounds = 400;

TEST_GUEST_CODE(calls, "64", R"(
  mov r15d, 400
  mov r13d, 0x50000
  lea rax, [rip + .Lother_stack]
  mov [r13], rax
1:
  mov ecx, r15d
  and ecx, 127
  call .Ldeep

  call .Lgoes_elsewhere
  add rbx, 0x1000
2:
  rol rbx, 7
  call .Lswitch
  adc rbx, 5
  call .Lswitch

  lea rax, [rip + .Lleaf]
  call rax
  mov ds:[0x48100], rax
  call qword ptr ds:[0x48100]
  push rbx
  call .Ltakes_one

  lea rdx, [rip + .Lleaf]
  lea rax, [rip + .Lmaps_caller]
  test r15d, 7
  cmovz rdx, rax
  mov eax, 0x15000
  call rax
  add rbx, rax

.Lcalls_writer:
  call .Lwrites_caller
.Lwritten:
  mov eax, 0x11111111
  add rbx, rax
  call .Lat_end_of_page
  call .Lover_end_of_page

  lea r14, [rip + 5f]
  mov rax, 0x4000000000000000
  push rax
  test r15d, 1
  jz 4f
  clts
4:
  ret
5:

  lea r14, [rip + 7f]
  push 0
  test r15d, 1
  jz 6f
  clts
6:
  ret
7:
  dec r15d
  jnz 1b
  hlt

.Ldeep:
  add rbx, rcx
  sub ecx, 1
  jl 8f
  call .Ldeep
  inc ecx
  xor rbx, rcx
  rol rbx, 3
8:
  ret

.Lgoes_elsewhere:
  lea rax, [rip + 2b]
  mov [rsp], rax
  ret

.Lswitch:
  xchg rsp, r13
  ret
.Lother_stack:
  xor rbx, r15
  call .Lswitch
  jmp .Lother_stack

.Lleaf:
  lea rbx, [rbx + rbx * 2 + 1]
  ret

.Ltakes_one:
  add rbx, [rsp + 8]
  ret 8

.Lmaps_caller:
  xor dword ptr ds:[0x60a8], 0x3000
  invlpg byte ptr ds:[0x15000]
  ret

.Lwrites_caller:
  test r15d, 15
  jnz 3f
  mov eax, [rip + .Lcalls_writer]
  mov [rip + .Lcalls_writer], eax
  mov [rip + .Lwritten + 1], r15d
3:
  ret

  .fill 0xffb - (. - calls_begin), 1, 0x90
.Lat_end_of_page:
  call .Lleaf
  ret

  .fill 0x1ffd - (. - calls_begin), 1, 0x90
.Lover_end_of_page:
  call .Lleaf
  ret
)");

/// Calls that nobody returns from: noted all, they would take more than the host's stack.
TEST_GUEST_CODE(endless, "64", R"(
  mov ecx, 5000
1:
  .rept 64
  call 2f
2:
  .endr
  add rsp, 64 * 8
  dec ecx
  jnz 1b
  hlt
)");
constexpr std::size_t small_stack = 256 << 10;

TEST_GUEST_CODE(caller, "64", R"(
  call rdx
  mov eax, 1
  ret
)");
TEST_GUEST_CODE(other_caller, "64", R"(
  call rdx
  mov eax, 5
  ret
)");

/// Puts a way to go on where no address was.
TEST_GUEST_CODE(mends_return, "64", R"(
  add rsp, 8
  push rax
  mov rax, [rsp + 32]
  mov [rax], r14
  inc dword ptr ds:[0x48000]
  pop rax
  iretq
)");

std::vector<int> bytes(std::span<const std::uint8_t> code) { return {code.begin(), code.end()}; }

std::unique_ptr<LongGuest> make(const TranslatorOptions& translator) {
  auto guest = std::make_unique<LongGuest>(bytes(calls), translator);
  guest->write(0, {0x41, 0xff, 0xe6});  // jmp r14: what the first frame on the host's stack has is an address, too
  guest->write(caller_at, bytes(caller));
  guest->write(other_caller_at, bytes(other_caller));
  guest->handle(13, mends_return, false);
  return guest;
}

void* run_endless(void*) {
  const auto make_endless = [](const TranslatorOptions& translator) {
    return std::make_unique<LongGuest>(bytes(endless), translator);
  };
  tsbhyve::test::same_on_both_tiers(make_endless, 1'000'000'000);
  return nullptr;
}

void on_small_stack(void* (*work)(void*)) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, small_stack);
  require(pthread_create(&thread, &attributes, work, nullptr) == 0, "a thread is made");
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace

int main() {
  for (const std::int64_t step : {1'000'000, 1009, 31, 1}) {
    const auto guest = tsbhyve::test::same_on_both_tiers(make, step);
    require(guest->get(Register::r15) == 0, "the guest comes to its end");
    require(guest->byte(faults_at) == (rounds & 0xff) && guest->byte(faults_at + 1) == rounds >> 8,
            "each round returns to no address once");
  }
  on_small_stack(run_endless);
  return 0;
}
