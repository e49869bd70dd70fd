// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/library.h"

#include <dlfcn.h>

#include <cerrno>
#include <map>
#include <memory>
#include <mutex>

namespace tsbhyve::vmm {

namespace {

#ifdef __FreeBSD__
constexpr const char* system_library = "libvmmapi.so";
#else
constexpr const char* system_library = nullptr;
#endif

template <class Function>
void find(void* handle, const char* name, Function& function, bool required) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  if (!function && required) throw EngineError{0, "libvmmapi", std::string("it has no ") + name};
}

}  // namespace

void check(int result, const char* call) {
  if (result == 0) return;
  throw EngineError{result > 0 ? result : errno, call, ""};
}

const Library& Library::load(const std::string& path) {
  static std::mutex lock;
  static std::map<std::string, std::unique_ptr<Library>> loaded;
  const std::lock_guard guard(lock);
  std::unique_ptr<Library>& library = loaded[path];
  if (!library) library.reset(new Library(path));
  return *library;
}

Library::Library(const std::string& path) {
  const char* const file = path.empty() ? system_library : path.c_str();
  if (!file) throw EngineError{0, "libvmmapi", "engine vmm needs FreeBSD"};
  void* const handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!handle) throw EngineError{0, "libvmmapi", dlerror()};
#define REQUIRED(name) find(handle, #name, name, true);
#define OPTIONAL(name) find(handle, #name, name, false);
#include "vmm/calls.def"
#undef REQUIRED
#undef OPTIONAL
#if VMMAPI_VERSION >= 0300
  find(handle, "vm_openf", open_, true);
#else
  find(handle, "vm_create", create_, true);
  find(handle, "vm_open", open_, true);
#endif
  find(handle, "sysctlbyname", system_value_, false);
#ifndef __FreeBSD__
  find(handle, "vmmapi_imitation_memory_written", memory_written_, false);
#endif
}

// Version 3 makes and opens by one function.
#if VMMAPI_VERSION >= 0300
vmctx* Library::create(const char* name) const {
  vmctx* const ctx = reinterpret_cast<decltype(&::vm_openf)>(open_)(name, VMMAPI_OPEN_CREATE);
  if (!ctx) throw EngineError{errno, "vm_openf", name};
  return ctx;
}
vmctx* Library::open(const char* name) const { return reinterpret_cast<decltype(&::vm_openf)>(open_)(name, 0); }
#else
vmctx* Library::create(const char* name) const {
  check(reinterpret_cast<decltype(&::vm_create)>(create_)(name), "vm_create");
  vmctx* const ctx = open(name);
  if (!ctx) throw EngineError{errno, "vm_open", name};
  return ctx;
}
vmctx* Library::open(const char* name) const { return reinterpret_cast<decltype(&::vm_open)>(open_)(name); }
#endif

/// Integers of 32 and of 64 bits.
std::uint64_t Library::system_value(const char* name) const {
  std::uint64_t value = 0;
  std::size_t size = sizeof value;
  if (!system_value_ || system_value_(name, &value, &size, nullptr, 0) != 0) return 0;
  return size == 4 ? value & 0xffffffff : value;
}

std::uint64_t Library::tsc_hz() const { return system_value("machdep.tsc_freq"); }
std::uint32_t Library::kernel_release() const { return static_cast<std::uint32_t>(system_value("kern.osreldate")); }
std::uint32_t Library::max_vcpus() const {
  const auto most = static_cast<std::uint32_t>(system_value("hw.vmm.maxcpu"));
  return most == 0 ? 1 : most;
}

void Library::memory_written(vmctx* ctx, std::uint64_t physical, std::uint64_t length) const {
  if (memory_written_) memory_written_(ctx, physical, length);
}

}  // namespace tsbhyve::vmm
