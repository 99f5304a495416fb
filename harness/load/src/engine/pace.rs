use std::time::Duration;

#[cfg(target_os = "linux")]
use {
    rustix::fd::OwnedFd,
    rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    },
    tokio::io::unix::AsyncFd,
};

/// Waits for a time. Tokio's own timers round up to the next millisecond, which at a thousand requests a second is
/// the distance between two of them.
pub(super) enum Pacer {
    /// The system's timer, to some ten microseconds.
    #[cfg(target_os = "linux")]
    Timer(AsyncFd<OwnedFd>),
    /// Tokio's timer, which can be paused.
    Tokio,
}

impl Pacer {
    /// The most precise there is. Belongs to the runtime in which it is made.
    pub(super) fn precise() -> Self {
        #[cfg(target_os = "linux")]
        {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags).ok();
            if let Some(timer) = timer.and_then(registered) {
                return Self::Timer(timer);
            }
        }
        Self::Tokio
    }

    /// Waits so many nanoseconds.
    pub(super) async fn wait(&self, nanos: u64) {
        match self {
            #[cfg(target_os = "linux")]
            Self::Timer(timer) if wait_for(timer, nanos).await.is_some() => {}
            _ => tokio::time::sleep(Duration::from_nanos(nanos)).await,
        }
    }
}

#[cfg(target_os = "linux")]
#[expect(
    deprecated,
    reason = "what takes its place is unsafe, for the sake of types that are closed behind their owner's back; this one is not"
)]
fn registered(timer: OwnedFd) -> Option<AsyncFd<OwnedFd>> {
    AsyncFd::new(timer).ok()
}

/// Waits with the system's timer; nothing if it cannot.
#[cfg(target_os = "linux")]
async fn wait_for(timer: &AsyncFd<OwnedFd>, nanos: u64) -> Option<()> {
    let duration = Duration::from_nanos(nanos.max(1));
    let once = Itimerspec {
        it_interval: Timespec::default(),
        it_value: Timespec::try_from(duration).ok()?,
    };
    timerfd_settime(timer.get_ref(), TimerfdTimerFlags::empty(), &once).ok()?;
    loop {
        let mut ready = timer.readable().await.ok()?;
        let read = ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut [0_u8; 8])?));
        // Ready without an expiry: it was of an earlier wait.
        if let Ok(read) = read {
            return read.ok().map(drop);
        }
    }
}
