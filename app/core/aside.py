"""aside: an output's work on a thread of its own, so that a disk that hangs stops nothing else."""

import threading
import time
from typing import Callable, List, Optional

from app.core.outage import Outage
from app.core.steady import ends_within

Job = Callable[[], None]

PATIENCE_S = 1.0  # that a lane waits for a disk at once
_SHARE = 0.05  # of its time, in the long run
_HUNG_S = 3.0  # for which a job is under way: it will not end just now
_STEADY_S = 10.0  # after the last job that was left out: it keeps up again


class Patience:
    """
    How long one thread still waits for others: a second at once, which comes back as time goes by,
    but not before what was waited for in vain is over. So who is always a little late delays it by
    a twentieth at most, and who hangs, once.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._left = PATIENCE_S
        self._when = now()
        self._in_vain = False

    def wait(self, changed: threading.Condition, over: Callable[[], bool]) -> bool:
        """Until ``over()``, looked at whenever ``changed``, held, is notified; False: not yet."""
        began = self._now()
        if not self._in_vain:
            self._left = min(PATIENCE_S, self._left + _SHARE * max(0.0, began - self._when))
        self._in_vain = not changed.wait_for(over, self._left)
        self._when = self._now()
        self._left = max(0.0, self._left - (self._when - began))
        return not self._in_vain


class Aside:
    """
    Does one job at a time, in order. They are given by one thread, which waits for the one before
    as long as ``patience`` lasts; where that is not over then, the new one is left out, counted
    and said by ``outage``, if there is one.
    """

    def __init__(
        self,
        outage: Optional[Outage],
        patience: Patience,
        hung: Optional[List[threading.Thread]] = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """``hung``: what others have left behind, which ends first; it is added to."""
        self._outage = outage
        self._patience = patience
        self._hung: List[threading.Thread] = [] if hung is None else hung
        self._now = now
        self._late: Optional[float] = None  # when a job was last left out
        self._begun = 0.0  # when the newest job was taken
        self._changed = threading.Condition()  # what follows
        self._job: Optional[Job] = None  # that is under way
        self._last: Optional[Job] = None
        self._ended = False
        self._error: Optional[Exception] = None
        self._thread: Optional[threading.Thread] = None

    def do(self, job: Job) -> bool:
        """
        Have it done, without waiting for its end; False where it is left out. Raises what the one
        before has raised.
        """
        now = self._now()
        if not self.settled():
            self._late = now
            if self._outage is not None:
                self._outage.failed("it cannot be written as fast as it comes")
            return False
        if self._late is not None and now - self._late >= _STEADY_S:
            self._late = None
            if self._outage is not None:
                self._outage.worked()
        self._begun = now
        with self._changed:
            self._job = job
            self._changed.notify_all()
        if self._thread is None:
            self._begin()
        return True

    def settled(self) -> bool:
        """Whether nothing is under way, once patience has been had. Raises as do() does."""
        with self._changed:
            if not self._patience.wait(self._changed, self._idle):
                return False
        self._raise()
        return True

    def do_here(self, job: Job) -> None:
        """Do it on the caller's thread, after what is under way, however long that takes."""
        with self._changed:
            self._changed.wait_for(self._idle)
        self._raise()
        job()

    def end(self, last: Optional[Job] = None) -> None:
        """No more comes after ``last``, which is always done, and nothing is waited for."""
        with self._changed:
            if self._job is None:
                self._begun = self._now()
            self._ended = True
            self._last = last
            self._changed.notify_all()
        if self._thread is None and last is not None:
            self._begin()

    def left(self, within_s: float) -> bool:
        """
        Whether all is done after end(), at once where it has hung for a while. Raises as do() does.
        Else it is left to itself.
        """
        if self._thread is None:
            return True
        hung = self._job is not None and self._now() - self._begun > _HUNG_S
        if not ends_within(self._thread, 0.0 if hung else within_s):
            self._hung[:] = [one for one in self._hung if one.is_alive()] + [self._thread]
            return False
        self._raise()
        return True

    def _begin(self) -> None:
        before = list(self._hung)
        self._thread = threading.Thread(
            target=self._work, args=(before,), name="aside", daemon=True
        )
        self._thread.start()

    def _work(self, before: List[threading.Thread]) -> None:
        for thread in before:  # it may be in the same files
            thread.join()
        while self._next():
            pass

    def _next(self) -> bool:
        """Do a job, and hold on to nothing of it."""
        with self._changed:
            self._changed.wait_for(lambda: self._job is not None or self._ended)
            if self._job is None:
                self._job, self._last = self._last, None
            job = self._job
        if job is None:
            return False
        try:
            job()
        except Exception as error:
            self._error = error
        finally:
            with self._changed:
                self._job = None
                self._changed.notify_all()
        return True

    def _idle(self) -> bool:
        return self._job is None

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error
