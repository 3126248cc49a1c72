/**
 * RFC 9628 without layers: a descriptor of 3 octets before each piece: I with a 15-bit PictureID, which `setVp9PictureId`
 * writes when the packet is sent; P in all but key frames; B and E on the first and last piece.
 */
export function packetizeVp9(frame: Buffer, key: boolean, mtu: number): Buffer[] {
  const payloads: Buffer[] = [];
  for (let offset = 0; offset < frame.length; offset += mtu) {
    const first = offset === 0 ? 0x08 : 0;
    const last = offset + mtu >= frame.length ? 0x04 : 0;
    const descriptor = Buffer.from([0x80 | (key ? 0 : 0x40) | first | last, 0x80, 0]);
    payloads.push(Buffer.concat([descriptor, frame.subarray(offset, offset + mtu)]));
  }
  return payloads;
}

export function setVp9PictureId(payload: Buffer, pictureId: number): void {
  payload[1] = 0x80 | ((pictureId >> 8) & 0x7f);
  payload[2] = pictureId & 0xff;
}
