// Package kvs is the vocabulary of the WebSocket messages of Kinesis Video Streams' WebRTC signaling: what its SDKs for
// browsers and cameras, and programs that speak as they do, send and expect.
//
// It says what travels, not what it means: package signal joins it to sessions. Nothing of AWS is here, neither its
// channels nor its signatures. docs/protocol.md, "KVS format", is the contract.
//
// https://docs.aws.amazon.com/kinesisvideostreams-webrtc-dg/latest/devguide/kvswebrtc-websocket-apis.html
package kvs
