/* If these fail, Ctrl-C does nothing, or kills at once what should end in order. Each case is a
 * process of its own, which answers by how it ended. */
#include "tools/signals.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRONG 99

/* Runs `child` in a process of its own; returns the status of waitpid. */
static int status_of(void (*child)(void)) {
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        struct rlimit none = {0};
        setrlimit(RLIMIT_CORE, &none);
        struct sigaction plain = {.sa_handler = SIG_DFL};
        sigaction(SIGINT, &plain, NULL);
        child();
        _exit(WRONG);
    }
    int status = 0;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static void first_of_each(void) {
    const atomic_int *stop = rf_signals_install();
    if (atomic_load(stop) != 0) {
        _exit(WRONG);
    }
    raise(SIGTERM);
    raise(SIGHUP);
    raise(SIGTERM);
    raise(SIGPIPE);
    _exit(atomic_load(stop));
}

static void interrupt_twice(void) {
    const atomic_int *stop = rf_signals_install();
    raise(SIGINT);
    if (atomic_load(stop) != SIGINT) {
        _exit(WRONG);
    }
    raise(SIGINT);
}

static void interrupt_after_terminate(void) {
    rf_signals_install();
    raise(SIGTERM);
    raise(SIGINT);
}

static void leave_word(void) {
    _exit(7);
}

static void interrupt_with_a_last_act(void) {
    rf_signals_install();
    rf_signals_before_end(leave_word);
    raise(SIGINT);
    raise(SIGTERM);
    raise(SIGINT);
}

static void interrupt_after_the_last_act(void) {
    rf_signals_install();
    rf_signals_before_end(leave_word);
    rf_signals_before_end(NULL);
    raise(SIGINT);
    raise(SIGINT);
}

static void hang_up_under_nohup(void) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGHUP, &ignore, NULL);
    const atomic_int *stop = rf_signals_install();
    raise(SIGHUP);
    _exit(atomic_load(stop));
}

Test(signals, the_first_one_is_remembered_and_none_kills) {
    int status = status_of(first_of_each);
    cr_expect(WIFEXITED(status));
    cr_expect_eq(WEXITSTATUS(status), SIGTERM);
}

Test(signals, a_second_interrupt_ends_at_once) {
    int status = status_of(interrupt_twice);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT, "status %x", (unsigned)status);
    status = status_of(interrupt_after_terminate);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT, "status %x", (unsigned)status);
}

Test(signals, something_may_be_done_before_that) {
    int status = status_of(interrupt_with_a_last_act);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 7, "status %x", (unsigned)status);
    status = status_of(interrupt_after_the_last_act);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT, "status %x", (unsigned)status);
}

Test(signals, what_was_ignored_stays_ignored) {
    int status = status_of(hang_up_under_nohup);
    cr_expect(WIFEXITED(status));
    cr_expect_eq(WEXITSTATUS(status), 0);
}

Test(signals, names) {
    cr_expect_str_eq(rf_signal_name(SIGINT), "SIGINT");
    cr_expect_str_eq(rf_signal_name(SIGTERM), "SIGTERM");
    cr_expect_str_eq(rf_signal_name(SIGHUP), "SIGHUP");
    cr_expect_str_eq(rf_signal_name(SIGUSR1), "a signal");
}
