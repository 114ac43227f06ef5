"""The sheets of what letters name: carriers, wards, and their people."""

from typing import Final

from collector.sheets import values
from collector.sheets.fields.kind import Field, Kind

ROLES: Final = {"signer": "Người ký", "clerk": "Văn thư", "technician": "Kỹ thuật"}

CARRIERS: Final = Kind(
    "carriers",
    "Nhà mạng",
    (
        Field(
            "id",
            "Mã nhà mạng",
            "Carrier code",
            "Mã ngắn, chữ không dấu (vnpt). Có thể để trống.",
            "vnpt",
            read=values.read_name,
            words="ma nha mang,ma,ma doanh nghiep,carrier id,id",
        ),
        Field(
            "name",
            "Nhà mạng",
            "Carrier",
            "Tên thường gọi, như ở trang Đường truyền. Bắt buộc.",
            "VNPT",
            words="nha mang,ten nha mang,ten viet tat,ten thuong goi,ten giao dich,nha cung cap,"
            "doanh nghiep,carrier,isp,provider,name",
        ),
        Field(
            "legal_name",
            "Tên pháp lý",
            "Legal name",
            "Tên đầy đủ để ghi trong công văn.",
            "VNPT Hải Phòng – Tập đoàn Bưu chính Viễn thông Việt Nam",
            words="ten phap ly,ten day du,ten doanh nghiep,ten cong ty,ten don vi,cong ty,"
            "legal name,full name,company",
            width=44,
        ),
        Field(
            "complaint_email",
            "E-mail nhận kiến nghị",
            "Complaint e-mail",
            "Địa chỉ e-mail nhận công văn kiến nghị.",
            "kiennghi@nha-mang.example",
            read=values.read_email,
            words="email,e mail,thu dien tu,hop thu,dia chi email,dia chi thu dien tu,"
            "email khieu nai,email nhan kien nghi,email tiep nhan,complaint email,complaints",
            width=30,
        ),
        Field(
            "postal_address",
            "Địa chỉ",
            "Postal address",
            "Địa chỉ gửi công văn giấy.",
            "Số 1 phố Ví Dụ, Hải Phòng",
            words="dia chi,dia chi buu dien,dia chi tru so,dia chi nhan cong van,tru so,address,"
            "postal address",
            width=34,
        ),
        Field(
            "telephone",
            "Điện thoại",
            "Telephone",
            "Số điện thoại đầu mối. Không hiển thị công khai.",
            "0225 000 0000",
            words="dien thoai,so dien thoai,dt,sdt,hotline,duong day nong,tong dai,phone,telephone,"
            "tel",
        ),
    ),
    needed=(("name",), ("legal_name", "complaint_email", "postal_address", "telephone")),
    says=("name",),
)

WARDS: Final = Kind(
    "wards",
    "Phường",
    (
        Field(
            "id",
            "Mã phường",
            "Ward code",
            "Mã ngắn, chữ không dấu (thach-khoi). Có thể để trống.",
            "thach-khoi",
            read=values.read_name,
            words="ma phuong,ma xa,ma,ma phuong xa,ward id,id",
        ),
        Field(
            "name",
            "Phường/Xã",
            "Ward",
            "Tên như ở trang Đường truyền. Bắt buộc.",
            "Phường Thạch Khôi",
            words="phuong,xa,phuong xa,xa phuong,ten phuong,ten phuong xa,dia ban,ward,name",
            width=24,
        ),
        Field(
            "superior",
            "Cơ quan chủ quản",
            "Superior authority",
            "Dòng trên cùng bên trái của công văn. Để trống nếu không có.",
            "",
            words="co quan chu quan,chu quan,co quan cap tren,superior",
            width=34,
        ),
        Field(
            "authority",
            "Cơ quan ban hành",
            "Issuing authority",
            "Tên cơ quan trên công văn.",
            "ỦY BAN NHÂN DÂN PHƯỜNG THẠCH KHÔI",
            words="co quan ban hanh,co quan,ten co quan,don vi ban hanh,authority,issued by",
            width=40,
        ),
        Field(
            "place",
            "Địa danh",
            "Place",
            "Địa danh trước ngày tháng của công văn.",
            "Thạch Khôi",
            words="dia danh,noi ban hanh,place",
        ),
        Field(
            "letter_code",
            "Ký hiệu công văn",
            "Letter code",
            "Phần sau số công văn: Số: …/UBND-VHXH.",
            "UBND-VHXH",
            words="ky hieu,ky hieu cong van,so ky hieu,letter code,code",
        ),
    ),
    needed=(("name",), ("authority", "place", "letter_code")),
    says=("name",),
)

PERSONS: Final = Kind(
    "persons",
    "Người phụ trách",
    (
        Field(
            "id",
            "Mã người",
            "Person code",
            "Mã ngắn, chữ không dấu. Có thể để trống.",
            "nguyen-van-a",
            read=values.read_name,
            words="ma nguoi,ma,ma can bo,person id,id",
        ),
        Field(
            "ward",
            "Phường/Xã",
            "Ward",
            "Tên như ở trang Phường. Bắt buộc.",
            "Phường Thạch Khôi",
            words="phuong,xa,phuong xa,xa phuong,ten phuong,dia ban,ward",
            width=24,
        ),
        Field(
            "role",
            "Vai trò",
            "Role",
            "Người ký, văn thư, kỹ thuật. Bắt buộc.",
            "Người ký",
            read=values.read_role,
            words="vai tro,nhiem vu,role",
            choices=tuple(ROLES.values()),
        ),
        Field(
            "name",
            "Họ và tên",
            "Name",
            "Như dưới chữ ký. Bắt buộc. Chỉ dùng trong công văn.",
            "Nguyễn Văn A",
            words="ho va ten,ho ten,ten,ten can bo,nguoi phu trach,name,full name",
            width=26,
        ),
        Field(
            "title",
            "Chức vụ",
            "Title",
            "Chức vụ trong khối chữ ký.",
            "PHÓ CHỦ TỊCH",
            words="chuc vu,chuc danh,title,position",
            width=24,
        ),
        Field(
            "signs_for",
            "Thẩm quyền ký",
            "Signs for",
            "Các dòng trên chức vụ, cách nhau bằng dấu chấm phẩy.",
            "TM. ỦY BAN NHÂN DÂN; KT. CHỦ TỊCH",
            words="tham quyen ky,hinh thuc ky,ky thay,quyen han,signs for,authority",
            width=38,
        ),
        Field(
            "telephone",
            "Điện thoại",
            "Telephone",
            "Chỉ người vận hành xem được.",
            "",
            words="dien thoai,so dien thoai,dt,sdt,di dong,phone,telephone,tel",
        ),
        Field(
            "email",
            "E-mail",
            "E-mail",
            "Nơi nhận nhắc việc.",
            "",
            read=values.read_email,
            words="email,e mail,thu dien tu,hop thu,dia chi email",
            width=28,
        ),
    ),
    needed=(("name",), ("ward",), ("role",)),
    says=("name",),
)
