// SPDX-License-Identifier: BSD-2-Clause
// Which files a restricted process still reaches, from each of its threads.
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>

#include "confined.h"

namespace {

using tsbhyve::sandbox::Access, tsbhyve::sandbox::restrict_paths;

std::string root;

std::string in(const char* name) { return root + "/" + name; }

/// 0 or an errno.
int open_error(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

int result(int value) { return value == 0 ? 0 : errno; }

int bind_error(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, path.c_str());
  const int error = result(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
  close(fd);
  return error;
}

int connect_error() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(1);
  const int error = result(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
  close(fd);
  return error;
}

const std::vector<tsbhyve::sandbox::PathRule>& rules() {
  static const std::vector<tsbhyve::sandbox::PathRule> list = {
      {in("readable"), Access::Read},   {in("writable"), Access::Write},      {in("sockets"), Access::Sockets},
      {in("emptied"), Access::Folders}, {in("other/one"), Access::Write},     {in("missing"), Access::Write},
      {"/proc", Access::Read},          {in("readable/file"), Access::Write},
  };
  return list;
}

void check_files() {
  CHECK(open_error(in("readable/deep/file"), O_RDONLY) == 0);
  CHECK(open_error(in("readable/deep/file"), O_WRONLY) == EACCES);
  CHECK(open_error(in("readable/new"), O_WRONLY | O_CREAT) == EACCES);
  CHECK(open_error(in("readable/file"), O_RDWR) == 0);
  CHECK(open_error(in("writable/new"), O_RDWR | O_CREAT) == 0);
  CHECK(result(mkdir(in("writable/folder").c_str(), 0700)) == 0);
  CHECK(result(rename(in("writable/new").c_str(), in("writable/folder/new").c_str())) == 0);
  CHECK(result(truncate(in("writable/folder/new").c_str(), 10)) == 0);
  CHECK(result(unlink(in("writable/folder/new").c_str())) == 0);
  CHECK(result(rmdir(in("writable/folder").c_str())) == 0);
  CHECK(result(mknod(in("writable/device").c_str(), S_IFCHR | 0600, 0x0103)) != 0);
  CHECK(bind_error(in("sockets/socket")) == 0 && result(unlink(in("sockets/socket").c_str())) == 0);
  CHECK(open_error(in("sockets/new"), O_WRONLY | O_CREAT) == EACCES);
  CHECK(open_error(in("other/one"), O_RDWR) == 0);
  CHECK(open_error(in("other/two"), O_RDONLY) == EACCES);
  CHECK(open_error(in("other"), O_RDONLY | O_DIRECTORY) == EACCES);
  CHECK(open_error("/etc/passwd", O_RDONLY) == EACCES);
  CHECK(result(unlink(in("other/two").c_str())) == EACCES);
  CHECK(result(rmdir(in("other/folder").c_str())) == EACCES);
}

/// Threads come and go while the rules are laid on; whoever is there afterwards has them.
void restricts_in_a_crowd() {
  std::atomic<bool> goes_on = true;
  std::vector<std::thread> crowds;
  for (int index = 0; index < 3; index++) {
    crowds.emplace_back([&] {
      while (goes_on) std::thread([] {}).join();
      std::thread([] { CHECK(open_error(in("other/two"), O_RDONLY) == EACCES); }).join();
      CHECK(open_error(in("other/two"), O_RDONLY) == EACCES);
    });
  }
  CHECK(restrict_paths(rules(), true) == 0);
  goes_on = false;
  for (auto& crowd : crowds) crowd.join();
}

void make_files() {
  char folder[] = "/tmp/tsbhyve-landlock-XXXXXX";
  if (mkdtemp(folder) == nullptr) abort();
  root = folder;
  for (const char* name : {"readable/deep", "writable", "sockets", "emptied/folder", "other/folder"}) {
    std::filesystem::create_directories(in(name));
  }
  for (const char* name : {"readable/file", "readable/deep/file", "other/one", "other/two"}) {
    std::ofstream(in(name)) << "text";
  }
}

}  // namespace

int main() {
  const int version = tsbhyve::sandbox::landlock_version();
  if (version == 0) {
    std::printf("skipped: no Landlock in this kernel\n");
    return 0;
  }
  make_files();
  test::in_child([] {
    test::Threads threads;
    const int held = open(in("other/two").c_str(), O_RDWR);
    CHECK(restrict_paths(rules(), true) == 0);
    threads.everywhere(check_files);
    char byte;
    CHECK(read(held, &byte, 1) == 1);
    CHECK(result(rename(in("emptied/folder").c_str(), in("emptied/moved").c_str())) == 0);
    CHECK(result(rmdir(in("emptied/moved").c_str())) == 0);
    CHECK(open_error(in("emptied/new"), O_WRONLY | O_CREAT) == EACCES);
    CHECK(connect_error() == ECONNREFUSED);
  });
  for (int round = 0; round < 20; round++) test::in_child(restricts_in_a_crowd);
  test::in_child([version] {
    CHECK(restrict_paths(rules(), false) == 0);
    CHECK(connect_error() == (version >= 4 ? EACCES : ECONNREFUSED));
  });
  std::filesystem::remove_all(root);
  return test::report();
}
