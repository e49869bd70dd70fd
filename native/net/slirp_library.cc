// SPDX-License-Identifier: BSD-2-Clause
#include "net/slirp_library.h"

#include <dlfcn.h>

#include <string>

#include "net/link_error.h"

namespace tsbhyve::net {

namespace {

constexpr const char* file = "libslirp.so.0";

template <class Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (!function) throw LinkError(std::string(file) + " has no " + name + "; 4.6 or later is accepted");
}

SlirpLibrary load() {
  void* const library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library) throw LinkError(std::string(file) + " cannot be loaded; install libslirp (Debian: libslirp0)");
  SlirpLibrary found{};
  find(library, "slirp_new", found.create);
  find(library, "slirp_cleanup", found.cleanup);
  find(library, "slirp_pollfds_fill", found.pollfds_fill);
  find(library, "slirp_pollfds_poll", found.pollfds_poll);
  find(library, "slirp_input", found.input);
  find(library, "slirp_add_hostxfwd", found.add_hostxfwd);
  return found;
}

}  // namespace

const SlirpLibrary& slirp_library() {
  static const SlirpLibrary library = load();
  return library;
}

}  // namespace tsbhyve::net
