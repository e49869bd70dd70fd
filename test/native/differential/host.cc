// SPDX-License-Identifier: BSD-2-Clause
#include "host.h"

#include "end_of_code.h"
#include "host_stub.h"
#include "soft/cpu.h"

#if defined(__x86_64__) && defined(__linux__)

#include <asm/ldt.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace tsbhyve::differential {

namespace {

constexpr unsigned long hwcap2_fsgsbase = 2;
constexpr size_t signal_stack_bytes = 1 << 16;
constexpr int signals[] = {SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGALRM};
constexpr time_t patience_seconds = 1;

u8* window;  // the same memory as at window_base and code_base, but writable and far away
u8* code;

[[noreturn]] void refuse(const char* what) {
  std::perror(what);
  std::exit(2);
}

u8* map_twice(u64 address, u64 pages) {
  const size_t length = pages * page_size;
  const int file = memfd_create("differential", 0);
  if (file < 0 || ftruncate(file, static_cast<off_t>(length)) != 0) refuse("memfd_create");
  void* low = mmap(reinterpret_cast<void*>(address), length, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_POPULATE | MAP_FIXED_NOREPLACE, file, 0);
  void* alias = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (low == MAP_FAILED || alias == MAP_FAILED) refuse("mmap of the windows");
  return static_cast<u8*>(alias);
}

void protect(u64 address, u64 pages, int protection) {
  if (mprotect(reinterpret_cast<void*>(address), pages * page_size, protection) != 0) refuse("mprotect");
}

void load_ldt() {
  unsigned number = 0;
  for (const LdtEntry& entry : ldt_entries) {
    user_desc description{};
    description.entry_number = number++;
    description.base_addr = static_cast<unsigned>(entry.base);
    description.limit = entry.limit;
    description.seg_32bit = entry.big;
    description.contents = entry.contents & 3u;
    description.read_exec_only = entry.read_only;
    description.seg_not_present = !entry.present;
    // The kernel returns its error as an unsigned int.
    const auto error = static_cast<int>(syscall(SYS_modify_ldt, 0x11, &description, sizeof(description)));
    if (error) {
      errno = -error;
      refuse("modify_ldt");
    }
  }
}

/// JMP [RIP+2]: the pointer lies aligned, for RFLAGS.AC may be set.
void write_way_back(u8* at, u64 target) {
  constexpr u8 jump[] = {0xff, 0x25, 2, 0, 0, 0, 0xcc, 0xcc};
  std::memcpy(at, jump, sizeof(jump));
  std::memcpy(at + sizeof(jump), &target, sizeof(target));
}

Result* current;

/// Whether the registers of `context` are those of compatibility-mode code is told by CS.
void copy_registers(const ucontext_t& context, Registers& out) {
  constexpr int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                             REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  const greg_t* from = context.uc_mcontext.gregs;
  for (size_t i = 0; i < 16; i++) out.gpr[i] = static_cast<u64>(from[order[i]]);
  out.rflags = static_cast<u64>(from[REG_EFL]);
  out.rip = static_cast<u64>(from[REG_RIP]);
  const auto selectors = static_cast<u64>(from[REG_CSGSFS]);
  out.selector[CS] = static_cast<u16>(selectors);
  out.selector[SS] = static_cast<u16>(selectors >> 48);
}

}  // namespace

bool host_available() { return (getauxval(AT_HWCAP2) & hwcap2_fsgsbase) != 0; }

void host_start() {
  window = map_twice(window_base, window_pages);
  code = map_twice(code_base, 1);
  write_way_back(map_twice(way_back, 1), reinterpret_cast<u64>(&differential_leave));
  protect(writable_end, 1, PROT_NONE);
  protect(read_only_page, 1, PROT_READ);
  protect(code_base, 1, PROT_READ | PROT_EXEC);
  protect(way_back, 1, PROT_READ | PROT_EXEC);
  load_ldt();

  static u8 signal_stack[signal_stack_bytes];
  stack_t stack{};
  stack.ss_sp = signal_stack;
  stack.ss_size = sizeof(signal_stack);
  if (sigaltstack(&stack, nullptr) != 0) refuse("sigaltstack");
  struct sigaction action {};
  action.sa_sigaction = reinterpret_cast<void (*)(int, siginfo_t*, void*)>(differential_handler);
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (const int number : signals) sigaction(number, &action, nullptr);
  differential_exchange.clean_mxcsr = 0x1f80;
  const itimerval tick{{patience_seconds, 0}, {patience_seconds, 0}};
  if (setitimer(ITIMER_REAL, &tick, nullptr) != 0) refuse("setitimer");
}

void host_load(const Case& test, const WindowImage& image) {
  host_reset_window(image);
  write_code(code, test);
}

void host_run(const Case& test, const WindowImage& image, Result& result) {
  Exchange& exchange = differential_exchange;
  prepare_window(window, image, test);
  current = &result;
  exchange.in = test.registers;
  exchange.uses_fx = test.uses_fx;
  exchange.compat = test.setting != Setting::Code64;
  exchange.restore_segments = exchange.compat || test.loads_segments;
  if (test.uses_fx) exchange.in_fx = test.fx;

  differential_enter();

  result.registers = exchange.out;
  if (exchange.reached_end) {
    if (test.uses_fx) result.fx = exchange.out_fx;
    result.vector = ran_to_end;
    result.error = 0;
    result.cr2 = 0;
    result.registers.rip = test.start + test.length - info_of(test.setting).code_offset;
    result.registers.selector[CS] = info_of(test.setting).cs;
  }
  collect_zones(window, result);
}

const u8* host_window() { return window; }
void host_reset_window(const WindowImage& image) { std::memcpy(window, image.bytes, sizeof(image.bytes)); }

}  // namespace tsbhyve::differential

void differential_outside(int number) {
  if (number == SIGALRM) return;
  std::fprintf(stderr, "signal %d outside a case\n", number);
  std::_Exit(3);
}

void differential_signal(int number, void*, void* context) {
  using namespace tsbhyve::differential;
  if (number == SIGALRM) {
    current->vector = ran_on;
    return;
  }
  const auto& machine = *static_cast<const ucontext_t*>(context);
  copy_registers(machine, differential_exchange.out);
  current->vector = static_cast<u8>(machine.uc_mcontext.gregs[REG_TRAPNO]);
  current->error = static_cast<u32>(machine.uc_mcontext.gregs[REG_ERR]);
  current->cr2 = current->vector == Vector::PF ? static_cast<u64>(machine.uc_mcontext.gregs[REG_CR2]) : 0;
  std::memcpy(static_cast<void*>(&current->fx), machine.uc_mcontext.fpregs, sizeof(FxImage));
}

#else

namespace tsbhyve::differential {
bool host_available() { return false; }
void host_start() {}
void host_load(const Case&, const WindowImage&) {}
void host_run(const Case&, const WindowImage&, Result&) {}
const u8* host_window() { return nullptr; }
void host_reset_window(const WindowImage&) {}
}  // namespace tsbhyve::differential

#endif
