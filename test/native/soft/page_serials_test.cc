// SPDX-License-Identifier: BSD-2-Clause
// A page that comes back as it was is known again, and none that is another in any way.
#include "soft/memory/page_serials.h"

#include "../translator/long_guest.h"

using namespace tsbhyve;
using tsbhyve::soft::PageSerials;
using tsbhyve::test::LongGuest;
using tsbhyve::test::require;

namespace {

void numbers() {
  PageSerials serials;
  const PageSerials::Mapping one = {0x1000, 0x2000}, other_frame = {0x1000, 0x3000},
                             other_rights = {0x1000, 0x2000, true};
  const std::uint32_t first = serials.of(one);
  require(first != PageSerials::none && serials.of(one) == first, "the same mapping has the same number");
  require(serials.of(other_frame) != first, "another frame has another");
  require(serials.of(other_rights) != first, "other rights have another");
}

void they_end() {
  PageSerials serials(3);
  const std::uint32_t first = serials.of({0x1000, 0});
  const std::uint32_t second = serials.of({0x2000, 0});
  require(first != second && second != PageSerials::none, "two numbers");
  require(serials.of({0x3000, 0}) == PageSerials::none, "and no third");
  require(serials.of({0x2000, 0}) == second, "what has one keeps it");
  serials.start_again();
  require(serials.of({0x3000, 0}) != PageSerials::none, "until all are given out anew");
}

constexpr int user_code = 0x13, user_data = 0x1b;
constexpr std::uint64_t task_at = 0x9000, kernel_again = 0x11000, shared = 0x12000, user = 0x13000;

/// A program jumps through a page (jmp rbx), then the kernel takes it for itself and does so, then the program tries
/// again.
void kernel_takes_a_page(const TranslatorOptions& translator) {
  // mov ebx, 13000h; push user_data; push 50000h; push 2; push user_code; push 12000h; iretq
  LongGuest guest({0xbb, 0, 0x30, 1,         0,    0x6a, user_data, 0x68, 0, 0,    5,   0,
                   0x6a, 2, 0x6a, user_code, 0x68, 0,    0x20,      1,    0, 0x48, 0xcf},
                  translator);
  // add rsp, 40; inc r8d; cmp r8d, 1; jne end; mov byte [6090h], 63h; invlpg [12000h]; mov ebx, 11026h; mov eax,
  // 12000h; jmp rax; mov eax, 10000h; jmp rax; end: hlt
  guest.write(kernel_again,
              {0x48, 0x83, 0xc4, 40,   0x41, 0xff, 0xc0, 0x41, 0x83, 0xf8, 1, 0x75, 0x22, 0xc6, 0x04, 0x25, 0x90,
               0x60, 0,    0,    0x63, 0x0f, 0x01, 0x3c, 0x25, 0,    0x20, 1, 0,    0xbb, 0x29, 0x10, 1,    0,
               0xb8, 0x10, 0x20, 1,    0,    0xff, 0xe0, 0xb8, 0,    0,    1, 0,    0xff, 0xe0, 0xf4});
  guest.write(shared, {0xff, 0xe3});  // the program's, and the kernel's:
  guest.write(shared + 0x10, {0xff, 0xe3});
  guest.write(user, {0xcd, 0x80});
  guest.write(0x710, {0xff, 0xff, 0, 0, 0, 0xfb, 0xaf, 0, 0xff, 0xff, 0, 0, 0, 0xf3, 0xcf, 0});
  guest.write(0x7000 + 0x80 * 16, {0, 0x10, 8, 0, 0, 0xee, 1, 0, 0, 0, 0, 0, 0, 0, 0});
  guest.write(task_at + 4, {0, 0, 6, 0});
  guest.set(Register::gdtr_limit, 31);
  guest.set(Register::tr_base, task_at);
  guest.set(Register::tr_limit, 0x67);
  guest.set(Register::tr_attributes, 0x8b);
  guest.run_to_halt();
  require(guest.get(Register::r8) == 1, "the program does not come through a second time");
  require(guest.get(Register::cr2) == shared, "but faults on the page");
}

/// The first page of an instruction on two leaves the TLB, then the second one becomes another, then the first returns.
void both_pages_change(const TranslatorOptions& translator) {
  // mov r15d, 4; xor ebx, ebx; top: call 10ffdh; add rbx, rax; mov byte [6089h], 20h; invlpg [10000h];
  // invlpg [11000h]; dec r15d; jnz top; hlt
  LongGuest guest({0x41, 0xbf, 4,    0,    0, 0,    0x31, 0xdb, 0xe8, 0xf0, 0x0f, 0,    0,    0x48, 0x01, 0xc3,
                   0x0f, 0x01, 0x3c, 0x25, 0, 0,    1,    0,    0xc6, 0x04, 0x25, 0x89, 0x60, 0,    0,    0x20,
                   0x0f, 0x01, 0x3c, 0x25, 0, 0x10, 1,    0,    0x41, 0xff, 0xcf, 0x75, 0xdb, 0xf4},
                  translator);
  guest.write(0x11000 - 3, {0xb8, 1, 0, 1, 0, 0xc3});  // mov eax, 10001h; ret
  guest.write(0x12000, {5, 0, 0xc3});                  // so that it is 50001h
  guest.run_to_halt();
  require(guest.get(Register::rbx) == 0x10001 + 3 * 0x50001, "the instruction has its new second half");
}

}  // namespace

int main() {
  numbers();
  they_end();
  for (const auto& translator : {tsbhyve::test::translator_off(), tsbhyve::test::eager_translator()}) {
    kernel_takes_a_page(translator);
    both_pages_change(translator);
  }
  return 0;
}
