// Sends a mail by nodemailer; what fails is the error object, as an application's log has it.
//
//     send_nodemailer.cjs HOST PORT RECIPIENT [logger] [SECONDS]
const [host, port, to, ...options] = process.argv.slice(2);
const seconds = options.map(Number).find((seconds) => seconds > 0);
const transport = require("nodemailer").createTransport({
    host,
    port: Number(port),
    secure: false,
    logger: options.includes("logger"),
    ...(seconds ? { connectionTimeout: seconds * 1000 } : {}),
});
transport
    .sendMail({ from: "app@vm.example", to, subject: "a report", text: "Nothing to report." })
    .then((sent) => console.log("sent", sent))
    .catch((error) => console.error("mail not sent:", error));
