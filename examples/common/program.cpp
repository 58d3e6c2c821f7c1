#include "common/program.h"

#include <ATen/Version.h>
#include <c10/util/Logging.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <new>
#include <stdexcept>

#include "common/help.h"
#include "common/interrupt.h"
#include "common/terminal.h"
#include "spikesink/keep_freed_memory.h"
#include "spikesink/printable.h"
#include "spikesink/version.h"

namespace examples {
namespace {

std::string versions(const CLI::App& app) {
  return fmt::format("{} {} (LibTorch {}, {} kernels)", app.get_name(), SPIKESINK_VERSION,
                     TORCH_VERSION, at::get_cpu_capability());
}

void add_help(CLI::App& app) {
  app.set_help_flag("-h,--help", "print this help and exit")->group(kHelpGroup);
  app.set_version_flag(
         "--version", [&app] { return versions(app); },
         "print the versions of the program and of LibTorch and exit")
      ->group(kHelpGroup);
  app.formatter(std::make_shared<HelpFormatter>());
}

int fail(const CLI::App& app, std::string sentence, int status) {
  std::replace(sentence.begin(), sentence.end(), '\n', ' ');
  print_stderr("{}: {}\n", app.get_name(), spikesink::printable(sentence));
  return status;
}

int fail_of_torch(const CLI::App& app, const c10::Error& error) {
  const std::string message = error.what_without_backtrace();
  if (message.find("DefaultCPUAllocator") != std::string::npos)
    return fail(app, "out of memory", 1);
  return fail(app, message.substr(0, message.find('\n')), 1);
}

}  // namespace

int run_example(CLI::App& app, int argc, char** argv, const std::function<void()>& body,
                const std::string& advice_when_interrupted) {
  spikesink::keep_freed_memory();
  FLAGS_caffe2_log_level = 2;  // errors only: our own message reports a process that ended
  add_help(app);
  try {
    app.parse(argc, argv);
    const Interrupt interrupt(app.get_name(), app["--out"]->as<std::filesystem::path>(),
                              advice_when_interrupted);
    body();
    return 0;
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return 0;
  } catch (const CLI::CallForVersion& version) {
    fmt::print("{}\n", version.what());
    return 0;
  } catch (const CLI::ValidationError& error) {
    return fail(app, error.what(), 2);
  } catch (const CLI::ExtrasError&) {
    return fail(
        app,
        fmt::format("unexpected argument '{}' (--help lists the options)", app.remaining().front()),
        2);
  } catch (const CLI::ParseError& error) {
    return fail(app, fmt::format("{} (--help lists the options)", error.what()), 2);
  } catch (const std::bad_alloc&) {
    return fail(app, "out of memory", 1);
  } catch (const std::length_error&) {
    return fail(app, "out of memory", 1);
  } catch (const c10::Error& error) {
    return fail_of_torch(app, error);
  } catch (const std::exception& error) {
    return fail(app, error.what(), 1);
  }
}

}  // namespace examples
