//! The road between a program and a broker, on which a scene lets happen what happens to networks.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    thread,
};

/// A road for one program. It stays open on the program's side when the broker has gone, so that the program always
/// reads what the broker said last; without it, the end of the connection may be faster than the words before it.
pub struct Road {
    place: String,
    travelled: mpsc::Receiver<[TcpStream; 2]>,
    silent: Arc<AtomicBool>,
}

impl Road {
    /// A road to the broker at this address and port.
    pub fn to(broker: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let (tell, travelled) = mpsc::channel();
        let silent = Arc::new(AtomicBool::new(false));
        let (broker, quiet) = (broker.to_owned(), Arc::clone(&silent));
        thread::spawn(move || {
            let (program, _) = listener.accept().unwrap();
            let broker = TcpStream::connect(broker).unwrap();
            let _ = tell.send([program.try_clone().unwrap(), broker.try_clone().unwrap()]); // a scene may need no end
            let (there, back) = (Arc::clone(&quiet), quiet);
            let (from_program, to_broker) = (program.try_clone().unwrap(), broker.try_clone().unwrap());
            thread::spawn(move || {
                carry(from_program, &to_broker, &there);
                let _ = to_broker.shutdown(Shutdown::Write); // the broker may have gone first
            });
            carry(broker, &program, &back);
        });
        Self { place, travelled, silent }
    }

    /// Where the road begins: `127.0.0.1:PORT`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Cuts the connection. Neither end has said goodbye.
    pub fn cut(&self) {
        for end in self.travelled.recv().expect("a program travels this road") {
            let _ = end.shutdown(Shutdown::Both); // the other end may have noticed already
        }
    }

    /// Nothing arrives any more, and nobody is told.
    pub fn fall_silent(&self) {
        self.silent.store(true, SeqCst);
    }
}

fn carry(mut from: TcpStream, mut to: &TcpStream, silent: &AtomicBool) {
    let mut bytes = [0; 4096];
    while let Ok(read) = from.read(&mut bytes) {
        let is_over = read == 0 || (!silent.load(SeqCst) && to.write_all(&bytes[..read]).is_err());
        if is_over {
            return;
        }
    }
}
