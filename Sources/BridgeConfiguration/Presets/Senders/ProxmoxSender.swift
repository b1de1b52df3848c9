extension Senders {
    static let proxmox = Preset(
        "proxmox", .source,
        #"""
        # Proxmox VE and Backup Server: backups, replication, fencing and updates, by a webhook target.
        # Formats: https://pve.proxmox.com/wiki/Notifications
        # Body of the target: {"title":"{{ escape title }}","message":"{{ escape message }}","severity":"{{ severity }}","timestamp":{{ timestamp }}}
        type: webhook
        id: proxmox
        normalise:
          cases:
            - set:
                title: "{{ .payload.title }}"
                message: "{{ .payload.message }}"
                priority: { from: .payload.severity, map: { error: 5, warning: 4, notice: 3, info: 2, unknown: 3 }, default: 3 }
                tags: [proxmox, "{{ .payload.severity }}"]
                timestamp: { from: .payload.timestamp }
        """#)
}
