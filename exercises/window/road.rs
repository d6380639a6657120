//! The road between a program and the post office. What is still on it when the test closes it never arrives.

use lapin::uri::AMQPUri;
use std::{
    mem::replace,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};
use tokio::{
    io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
    task::JoinHandle,
};

/// A road that letters travel until the test closes it.
///
/// It is a long one: a letter stays on the road until its sender asks the broker something, or says goodbye. This makes
/// certain what a slow network makes likely.
pub struct Road {
    addr: String,
    goodbye: Arc<AtomicBool>,
    traffic: JoinHandle<()>,
}

impl Road {
    pub(crate) async fn to(office: &str) -> Self {
        let mut uri: AMQPUri = office.parse().expect("an AMQP address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on this machine");
        let here = listener.local_addr().expect("it is bound");
        let place = (replace(&mut uri.authority.host, here.ip().to_string()), uri.authority.port);
        uri.authority.port = here.port();
        let goodbye = Arc::new(AtomicBool::new(false));
        let traffic = tokio::spawn(travel(listener, place, Arc::clone(&goodbye)));
        Self { addr: uri.to_string(), goodbye, traffic }
    }

    /// The address of this end of the road.
    pub fn addr(&self) -> &str {
        &self.addr
    }

    /// Closes the road. What has not arrived is lost, and both ends notice.
    pub async fn close(&mut self) {
        self.traffic.abort();
        let _ = (&mut self.traffic).await; // it was aborted, which is what this says
    }

    /// Whether a program that travels this road has told the broker that it closes its connection.
    pub fn saw_goodbye(&self) -> bool {
        self.goodbye.load(SeqCst)
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        self.traffic.abort();
    }
}

/// Takes one program to the office.
async fn travel(listener: TcpListener, place: (String, u16), goodbye: Arc<AtomicBool>) {
    let Ok((program, _)) = listener.accept().await else { return };
    let Ok(office) = TcpStream::connect(place).await else { return };
    let (from_program, mut to_program) = program.into_split();
    let (mut from_office, to_office) = office.into_split();
    let there = send_on(from_program, to_office, &goodbye);
    let back = io::copy(&mut from_office, &mut to_program);
    let _ = tokio::join!(there, back); // one end has gone; the other notices
}

/// A frame: its type, its channel (2 bytes), the length of what follows (4 bytes); then that, and one byte to end it.
const HEAD: usize = 7;

/// Passes frames on, and keeps letters on the road until something else follows them: a question, or a goodbye.
async fn send_on(
    mut program: OwnedReadHalf,
    mut office: impl AsyncWrite + Unpin,
    goodbye: &AtomicBool,
) -> io::Result<()> {
    let mut greeting = [0; 8];
    program.read_exact(&mut greeting).await?;
    office.write_all(&greeting).await?;
    let mut on_the_road = Vec::new();
    let mut confirms = false;
    loop {
        let frame = read_frame(&mut program).await?;
        // A method's frame has type 1, and begins with the numbers of its class and of itself.
        let method = (frame[0] == 1).then(|| (frame[HEAD + 1], frame[HEAD + 3]));
        match method {
            Some((10, 50)) => goodbye.store(true, SeqCst), // connection.close
            Some((85, 10)) => confirms = true,             // confirm.select: each letter asks for an answer
            _ => {}
        }
        on_the_road.extend(frame);
        let is_letter = matches!(method, None | Some((60, 40))); // basic.publish, and the content that follows it
        if !is_letter || confirms {
            office.write_all(&on_the_road).await?;
            on_the_road.clear();
        }
    }
}

async fn read_frame(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; HEAD];
    from.read_exact(&mut frame).await?;
    let length = u32::from_be_bytes([frame[3], frame[4], frame[5], frame[6]]) as usize;
    frame.resize(HEAD + length + 1, 0);
    from.read_exact(&mut frame[HEAD..]).await?;
    Ok(frame)
}
