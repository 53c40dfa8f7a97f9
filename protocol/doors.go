package protocol

// WHEPPath is the WHEP endpoint of a device (draft-ietf-wish-whep); with "/" and a name it is the resource of a session.
func WHEPPath(device DeviceID) string { return "/v1/devices/" + string(device) + "/whep" }
