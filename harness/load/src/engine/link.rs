use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;
use std::{fmt, io};

use kmspec_wire::keys::KeySet;
use kmspec_wire::ndr::TransferSyntax;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::desk::{Next, Work};
use super::dial::Dial;
use crate::client::{Client, Job};
use crate::measure::ErrorClass;
use crate::num::nanos;
use crate::plan::Reuse;
use crate::prepare::Pool;

/// How connections are made and used.
#[derive(Clone)]
pub(crate) struct Manner<D> {
    pub(crate) dial: D,
    pub(crate) pool: Arc<Pool>,
    pub(crate) keys: Arc<KeySet>,
    pub(crate) syntax: TransferSyntax,
    pub(crate) timeout: Duration,
    pub(crate) pipeline: usize,
    pub(crate) reuse: Reuse,
}

/// A connection that is bound.
pub(crate) struct Link<D: Dial> {
    stream: D::Stream,
    client: Client,
    out: Vec<u8>,
    timeout: Duration,
    pipeline: usize,
    /// Looks at the oldest request now and then. It is not set anew with each request: that would cost more than the rest.
    alarm: Pin<Box<Sleep>>,
}

/// Why a connection could not be made or used.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// The class it counts in.
    pub(crate) class: ErrorClass,
    /// What the system says.
    pub(crate) source: Option<io::Error>,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class.meaning())?;
        self.source
            .iter()
            .try_for_each(|source| write!(f, ": {source}"))
    }
}

impl From<ErrorClass> for Trouble {
    fn from(class: ErrorClass) -> Self {
        Self {
            class,
            source: None,
        }
    }
}

/// Octets read at a time: some answers of a pipeline.
const READ: usize = 8192;
/// How long to leave a target alone that takes no connection.
const PAUSE: Duration = Duration::from_millis(10);

/// Takes work until there is no more.
pub(crate) async fn serve<D: Dial, W: Work>(
    work: Rc<W>,
    manner: Manner<D>,
    number: usize,
    ready: Option<Link<D>>,
) {
    let mut kept = ready;
    loop {
        let job = match work.next(number) {
            Next::Work(job) => job,
            Next::Over => return,
            Next::Wait => {
                kept = wait(&*work, kept).await;
                continue;
            }
        };
        let began = work.now();
        let mut link = match kept.take() {
            Some(link) => link,
            None => match Link::open(&manner).await {
                Ok(link) => {
                    work.connected();
                    link
                }
                Err(trouble) => {
                    work.failed(job.due, trouble.class);
                    if trouble.class != ErrorClass::Timeout {
                        sleep(PAUSE).await;
                    }
                    continue;
                }
            },
        };
        match manner.reuse {
            Reuse::Kept => {
                if link.play(&*work, number, job).await.is_ok() {
                    kept = Some(link);
                }
            }
            Reuse::New => {
                link.once(&*work, job, began).await;
                D::reset(link.stream);
            }
        }
    }
}

/// Waits for work; a connection that the host ends meanwhile is gone, and nobody's loss.
async fn wait<D: Dial, W: Work>(work: &W, kept: Option<Link<D>>) -> Option<Link<D>> {
    let Some(mut link) = kept else {
        work.wake().await;
        return None;
    };
    tokio::select! {
        biased;
        () = work.wake() => Some(link),
        _ = receive(&mut link.stream, |_| Ok(())) => None,
    }
}

/// Reads what has come and takes it there. The buffer is on the stack: a connection that waits has none.
async fn receive<S: AsyncRead + Unpin>(
    stream: &mut S,
    mut taken: impl FnMut(&[u8]) -> Result<(), ErrorClass>,
) -> Result<(), Trouble> {
    poll_fn(|context| {
        let mut octets = [MaybeUninit::uninit(); READ];
        let mut octets = ReadBuf::uninit(&mut octets);
        let read = ready!(Pin::new(&mut *stream).poll_read(context, &mut octets));
        Poll::Ready(match read {
            Err(error) => Err(broken(error)),
            Ok(()) if octets.filled().is_empty() => Err(ErrorClass::Closed.into()),
            Ok(()) => taken(octets.filled()).map_err(Trouble::from),
        })
    })
    .await
}

/// Connects and binds.
async fn bound<D: Dial>(manner: &Manner<D>) -> Result<(D::Stream, Client), Trouble> {
    let mut stream = manner.dial.dial().await.map_err(|source| Trouble {
        class: of_connect(&source),
        source: Some(source),
    })?;
    let mut client = Client::new(
        Arc::clone(&manner.pool),
        Arc::clone(&manner.keys),
        manner.syntax,
    );
    stream.write_all(client.bind()).await.map_err(broken)?;
    while !client.is_bound() {
        receive(&mut stream, |octets| client.receive(octets, |_, _| {})).await?;
    }
    Ok((stream, client))
}

impl<D: Dial> Link<D> {
    /// Connects and binds, in the time that an answer may take.
    pub(crate) async fn open(manner: &Manner<D>) -> Result<Self, Trouble> {
        let mut alarm = Box::pin(sleep(manner.timeout));
        let (stream, client) = tokio::select! {
            biased;
            bound = bound(manner) => bound?,
            () = &mut alarm => return Err(ErrorClass::Timeout.into()),
        };
        Ok(Self {
            stream,
            client,
            out: Vec::with_capacity(512),
            timeout: manner.timeout,
            pipeline: manner.pipeline,
            alarm,
        })
    }

    /// One request that has been due and in work since `began`, and its answer.
    pub(crate) async fn once<W: Work>(&mut self, work: &W, job: Job, began: u64) {
        self.ask(work, job, began);
        if let Err(trouble) = self.finish(work).await {
            self.abandon(work, trouble.class);
        }
    }

    async fn finish<W: Work>(&mut self, work: &W) -> Result<(), Trouble> {
        self.flush(work).await?;
        while self.client.waiting() > 0 {
            self.answers(work, false).await?;
        }
        Ok(())
    }

    /// Requests as they come, until none is there and none waits for its answer.
    ///
    /// # Errors
    /// The connection can be used no more; whatever waited has failed.
    async fn play<W: Work>(&mut self, work: &W, number: usize, first: Job) -> Result<(), Trouble> {
        self.ask(work, first, work.now());
        let played = self.exchange(work, number).await;
        if let Err(trouble) = &played {
            self.abandon(work, trouble.class);
        }
        played
    }

    async fn exchange<W: Work>(&mut self, work: &W, number: usize) -> Result<(), Trouble> {
        loop {
            while self.client.waiting() < self.pipeline {
                let Next::Work(job) = work.next(number) else {
                    break;
                };
                self.ask(work, job, work.now());
            }
            self.flush(work).await?;
            if self.client.waiting() == 0 {
                return Ok(());
            }
            let has_room = self.client.waiting() < self.pipeline;
            self.answers(work, has_room && work.wakes()).await?;
        }
    }

    fn ask<W: Work>(&mut self, work: &W, job: Job, at: u64) {
        let before = self.out.len();
        self.client.ask(job, at, &mut self.out);
        work.sent(&job, self.out.len() - before);
    }

    async fn flush<W: Work>(&mut self, work: &W) -> Result<(), Trouble> {
        let mut sent = 0;
        while let Some(rest) = self.out.get(sent..).filter(|rest| !rest.is_empty()) {
            tokio::select! {
                biased;
                more = self.stream.write(rest) => match more.map_err(broken)? {
                    0 => return Err(ErrorClass::Closed.into()),
                    more => sent += more,
                },
                () = &mut self.alarm => self.ring(work)?,
            }
        }
        self.out.clear();
        Ok(())
    }

    /// Waits for answers, or for work as well.
    async fn answers<W: Work>(&mut self, work: &W, or_work: bool) -> Result<(), Trouble> {
        let client = &mut self.client;
        let taken = |octets: &[u8]| {
            let now = work.now();
            work.received(octets.len(), now);
            client.receive(octets, |sent, outcome| work.answered(&sent, now, outcome))
        };
        tokio::select! {
            biased;
            received = receive(&mut self.stream, taken) => return received,
            () = work.wake(), if or_work => return Ok(()),
            () = &mut self.alarm => {}
        }
        self.ring(work)
    }

    fn ring<W: Work>(&mut self, work: &W) -> Result<(), Trouble> {
        let now = work.now();
        let limit = nanos(self.timeout);
        let left = match self.client.oldest() {
            Some(at) => at.saturating_add(limit).saturating_sub(now),
            None => limit,
        };
        if left == 0 {
            return Err(ErrorClass::Timeout.into());
        }
        let instant = tokio::time::Instant::now() + Duration::from_nanos(left);
        self.alarm.as_mut().reset(instant);
        Ok(())
    }

    fn abandon<W: Work>(&mut self, work: &W, class: ErrorClass) {
        self.client
            .abandon()
            .for_each(|sent| work.failed(sent.due, class));
    }
}

fn of_connect(error: &io::Error) -> ErrorClass {
    // EMFILE and ENFILE have no kind of their own.
    const NO_FILES: [i32; 2] = [24, 23];
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => ErrorClass::Ports,
        _ if error
            .raw_os_error()
            .is_some_and(|code| NO_FILES.contains(&code)) =>
        {
            ErrorClass::Ports
        }
        _ => ErrorClass::Connect,
    }
}

fn broken(error: io::Error) -> Trouble {
    Trouble {
        class: ErrorClass::Reset,
        source: Some(error),
    }
}
