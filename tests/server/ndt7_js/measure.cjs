// Runs M-Lab's JavaScript client once against a server and prints what it says, as one JSON object.
// Its workers are a browser's; here each is a thread with the few names that they use.
//
//   NODE_PATH=build/ndt7_js/node_modules node measure.cjs 127.0.0.1:8080

const { Worker: Thread, isMainThread, parentPort, workerData } = require("node:worker_threads");

function beWorker(file) {
  globalThis.self = globalThis;
  globalThis.WebSocket = require("ws");
  globalThis.postMessage = (data) => parentPort.postMessage(data);
  require(file);
  parentPort.on("message", (data) => self.onmessage({ data }));
}

class Worker {
  constructor(file) {
    this.thread = new Thread(__filename, { workerData: file });
    this.thread.on("message", (data) => this.onmessage({ data }));
  }
  postMessage(data) {
    this.thread.postMessage(data);
  }
  terminate() {
    this.thread.terminate();
  }
}

async function main(server) {
  globalThis.Worker = Worker;
  const result = { errors: [], serverMeasurements: { download: 0, upload: 0 } };
  const count = (direction) => (measurement) => {
    if (measurement.Source === "server") result.serverMeasurements[direction] += 1;
  };
  const source = "@m-lab/ndt7/src/";
  result.code = await require("@m-lab/ndt7").test(
    {
      server,
      protocol: "ws",
      mlabDataPolicyInapplicable: true,
      downloadworkerfile: require.resolve(`${source}ndt7-download-worker.js`),
      uploadworkerfile: require.resolve(`${source}ndt7-upload-worker.js`),
    },
    {
      error: (error) => result.errors.push(String(error)),
      downloadMeasurement: count("download"),
      uploadMeasurement: count("upload"),
      downloadComplete: (last) => (result.download = last),
      uploadComplete: (last) => (result.upload = last),
    },
  );
  console.log(JSON.stringify(result));
}

if (isMainThread) main(process.argv[2]);
else beWorker(workerData);
