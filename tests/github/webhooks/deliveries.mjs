export class Deliveries { send() {} stop() {} }
