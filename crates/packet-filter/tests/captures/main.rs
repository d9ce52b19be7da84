//! Capture files, read and written: formats, hostile input, the corpus, what is written.

#[cfg(test)]
mod build;
#[cfg(test)]
mod compressed;
#[cfg(test)]
mod copied;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod directions;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod pcap;
#[cfg(test)]
mod pcap_file;
#[cfg(test)]
mod pcapng;
#[cfg(test)]
mod read;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod threaded;
#[cfg(test)]
mod tshark;
#[cfg(test)]
mod written;
